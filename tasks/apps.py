from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Background tasks"

    def ready(self) -> None:
        autodiscover_modules("tasks")  # every app's tasks.py registers its tasks by name
        import tasks.webhooks.admin  # noqa: F401 - Django finds only tasks.admin by itself
        from base.metrics import register_collector
        from tasks.metrics import TaskCollector

        register_collector(TaskCollector())
