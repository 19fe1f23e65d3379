from django.urls import path

from tasks import views

urlpatterns = [
    path("tasks/<uuid:task_id>", views.TaskDetail.as_view(), name="task-detail"),
]
