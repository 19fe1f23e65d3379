"""What every long-lived process asks before it begins to serve."""

from django.core.checks import ERROR, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured when code and database do not fit, such as a definition changed under its version."""
    errors = [message for message in run_checks(tags=[Tags.database], databases=["default"]) if message.level >= ERROR]
    connections.close_all()  # the process may fork next
    if errors:
        raise ImproperlyConfigured("; ".join(str(error.msg) for error in errors))
