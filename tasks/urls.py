from django.urls import path

from tasks.views import work

urlpatterns = [
    path("tasks/", work.TaskList.as_view(), name="task-list"),
    path("tasks/bulk", work.Bulk.as_view(), name="task-bulk"),
    path("tasks/dead-letters", work.DeadLetters.as_view(), name="task-dead-letters"),
    path("tasks/<uuid:task_id>", work.TaskDetail.as_view(), name="task-detail"),
    path("tasks/<uuid:task_id>/cancel", work.Cancel.as_view(), name="task-cancel"),
    path("tasks/<uuid:task_id>/retry", work.Retry.as_view(), name="task-retry"),
    path("tasks/<uuid:task_id>/discard", work.Discard.as_view(), name="task-discard"),
]
