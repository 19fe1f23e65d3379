"""A task of Django's Tasks API, whose row is in PostgreSQL."""

from django_tasks import task


@task
def noop() -> None:
    """Its row is the job's own."""
