"""Which failures are worth another try."""

from django.core import exceptions as core
from django.db import utils as database


class TemporaryError(Exception):
    """The cause may pass: try again after the backoff, or after `retry_after_s` where the other side named a time."""

    def __init__(self, *args: object, retry_after_s: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after_s = retry_after_s


class PermanentError(Exception):
    """Trying again cannot help: the task fails at once."""


class TaskCancelled(BaseException):
    """Raised inside a task whose cancellation was asked for. Not an Exception: task code must not swallow it."""


class TaskTimeout(BaseException):
    """Raised inside a task that outran its timeout; the attempt counts as failed. Not an Exception either."""


class LeaseLost(BaseException):
    """This attempt's lease ran out and another attempt may be running: its writes must not count."""


PERMANENT = (
    PermanentError,
    core.ValidationError,
    core.PermissionDenied,
    core.ObjectDoesNotExist,
    core.ImproperlyConfigured,
    database.DataError,
    database.IntegrityError,
    database.ProgrammingError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    NameError,
    ImportError,
    NotImplementedError,
    AssertionError,
)


def is_permanent(error: BaseException) -> bool:
    """Anything not known to be permanent is worth another attempt."""
    return isinstance(error, PERMANENT) and not isinstance(error, TemporaryError)
