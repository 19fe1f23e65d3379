"""Background work in the console: each task as it happens, dead letters, queues and limits, periodic tasks."""

from tasks.admin import queues, schedules, tasks

__all__ = ["queues", "schedules", "tasks"]
