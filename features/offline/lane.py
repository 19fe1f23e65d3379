"""One writer at a time: whoever changes the offline store does it inside `lane`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

LANE = 0x0FF11E  # PostgreSQL's advisory lock of this number
# Writing a file takes longer than a request may; waiting for the one before takes as long.
PATIENCE = """
SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '300s';
SET LOCAL idle_in_transaction_session_timeout = '300s'
"""


@contextmanager
def lane() -> Iterator[None]:
    """A transaction with the lane held to its end, the caller's if there is one. Raises OperationalError after 60 s.

    What is read inside is what the one before committed. A file without a row, seen from here, belongs to nobody: its
    writer is dead or has lost its connection, and can never commit.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(PATIENCE)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LANE])
        yield
