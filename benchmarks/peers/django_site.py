"""Django with django-tasks-db and django-q2: `python -m benchmarks.peers.django_site db_worker|qcluster|push_…`."""

import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings

database = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="for measuring only",
    INSTALLED_APPS=["django.contrib.contenttypes", "django_tasks", "django_tasks_db", "django_q"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": database.hostname,
            "PORT": database.port,
            "NAME": database.path[1:],
            "USER": database.username,
            "PASSWORD": database.password,
            "CONN_MAX_AGE": 60,
        }
    },
    USE_TZ=True,
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    Q_CLUSTER={"name": "bench", "workers": 2, "redis": os.environ["REDIS_URL"], "timeout": 60, "retry": 120,
               "save_limit": 0, "catch_up": False, "log_level": "ERROR"},
    LOGGING={"version": 1, "loggers": {name: {"level": "ERROR"} for name in ("django_tasks", "django_tasks_db")}},
)  # fmt: skip
django.setup()


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "push_q":
        from django_q.tasks import async_task

        for _ in range(int(rest[0])):
            async_task("benchmarks.peers.django_jobs.noop")
    elif command == "push_db":
        from benchmarks.peers.django_jobs import stored

        for _ in range(int(rest[0])):
            stored.enqueue()
    else:
        from django.core.management import call_command

        call_command(command, *rest)
