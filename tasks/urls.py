from django.urls import path

from tasks.models import Control
from tasks.views import controls, statistics, streams, work
from tasks.webhooks.urls import urlpatterns as webhooks

TASK, QUEUE = {"kind": Control.Kind.TASK}, {"kind": Control.Kind.QUEUE}

urlpatterns = [
    path("tasks/", work.TaskList.as_view(), name="task-list"),
    path("tasks/bulk", work.Bulk.as_view(), name="task-bulk"),
    path("tasks/dead-letters", work.DeadLetters.as_view(), name="task-dead-letters"),
    path("tasks/stats", statistics.Statistics.as_view(), name="task-stats"),
    path("tasks/queues", controls.Queues.as_view(), name="task-queues"),
    path("tasks/queues/<str:name>/pause", controls.Pause.as_view(**QUEUE), name="queue-pause"),
    path("tasks/queues/<str:name>/resume", controls.Resume.as_view(**QUEUE), name="queue-resume"),
    path("tasks/queues/<str:name>/limit", controls.Limit.as_view(**QUEUE), name="queue-limit"),
    path("tasks/names", controls.Names.as_view(), name="task-names"),
    path("tasks/names/<str:name>/pause", controls.Pause.as_view(**TASK), name="task-name-pause"),
    path("tasks/names/<str:name>/resume", controls.Resume.as_view(**TASK), name="task-name-resume"),
    path("tasks/names/<str:name>/limit", controls.Limit.as_view(**TASK), name="task-name-limit"),
    path("tasks/schedules", controls.Schedules.as_view(), name="task-schedules"),
    path("tasks/schedules/<str:name>/run-now", controls.RunNow.as_view(), name="schedule-run-now"),
    path("tasks/schedules/<str:name>/pause", controls.PauseSchedule.as_view(), name="schedule-pause"),
    path("tasks/schedules/<str:name>/resume", controls.ResumeSchedule.as_view(), name="schedule-resume"),
    path("tasks/events", streams.DashboardEvents.as_view(), name="task-dashboard-events"),
    path("tasks/<uuid:task_id>/events", streams.TaskEvents.as_view(), name="task-events"),
    path("tasks/<uuid:task_id>", work.TaskDetail.as_view(), name="task-detail"),
    path("tasks/<uuid:task_id>/cancel", work.Cancel.as_view(), name="task-cancel"),
    path("tasks/<uuid:task_id>/retry", work.Retry.as_view(), name="task-retry"),
    path("tasks/<uuid:task_id>/discard", work.Discard.as_view(), name="task-discard"),
    *webhooks,
]
