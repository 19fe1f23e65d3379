"""Jobs that do nothing, each with the row that its system keeps."""

from django_tasks import task


@task
def stored() -> None:
    """For django-tasks-db."""


def noop() -> None:
    """For django-q2."""
