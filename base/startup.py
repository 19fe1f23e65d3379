"""What every long-lived process asks before it begins to serve."""

from django.core.checks import ERROR, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

DECLARATIONS = "declarations"  # tag of checks that look at what domains declare


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured when declarations are wrong, or one was changed under its version."""
    found = run_checks(tags=[Tags.database, DECLARATIONS], databases=["default"])
    errors = [message for message in found if message.level >= ERROR]
    connections.close_all()  # the process may fork next
    if errors:
        raise ImproperlyConfigured("; ".join(str(error.msg) for error in errors))
