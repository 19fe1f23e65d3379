from django.urls import path

from tasks import views
from tasks.webhooks.urls import urlpatterns as webhooks

urlpatterns = [
    path("tasks/<uuid:task_id>", views.TaskDetail.as_view(), name="task-detail"),
    *webhooks,
]
