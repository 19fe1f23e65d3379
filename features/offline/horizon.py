"""Up to which id the event log is complete.

An id is given at INSERT and seen at COMMIT, so below the greatest visible id some may still be on their way. But an
INSERT locks its table (RowExclusiveLock) before it draws an id, and lets go when its rows can be seen or never will.
So: read the last id given, then who holds that lock, and wait until none of *those* is left. Nobody is blocked, and
writers that come later cannot draw an id so low.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

POLL_S = 0.02
# `recorded_at` is the start of a transaction. The second allows for one that began a moment before it shows up here.
RECORDED = """
SELECT least(clock_timestamp(), min(xact_start)) - interval '1 second' FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
"""
GIVEN = """
SELECT coalesce(pg_sequence_last_value(seqrelid), 0), seqcache FROM pg_sequence
WHERE seqrelid = pg_get_serial_sequence('raw_events', 'id')::regclass
"""
# A prepared transaction has no pid.
WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'raw_events'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid()
"""


class WritersBusy(Exception):
    """Transactions that began to write events before have not ended; a later export has what they leave out."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Every event with an id up to `last_id` is visible now or never will be; those recorded earlier are among them."""

    last_id: int
    recorded_before: datetime


def safe_horizon(*, patience_s: float = 5) -> Horizon:
    """The last id given so far, once all that were writing have ended. Raises WritersBusy after `patience_s`."""
    give_up = time.monotonic() + patience_s
    with connection.cursor() as cursor:
        # The order of these three is what makes it right.
        cursor.execute(RECORDED)
        recorded_before = cursor.fetchone()[0]
        last_id = _last_id(cursor)
        left = _writers(cursor)
        while left:
            if time.monotonic() > give_up:
                raise WritersBusy(f"{len(left)} transactions that write events have not ended in {patience_s:g} s")
            time.sleep(POLL_S)
            left &= _writers(cursor)
    return Horizon(last_id, recorded_before)


def _last_id(cursor: Any) -> int:
    cursor.execute(GIVEN)
    last_id, cached = cursor.fetchone()
    if cached != 1:  # sessions would hold low ids in store and use them later
        raise RuntimeError("the sequence of raw_events.id must have CACHE 1")
    return last_id


def _writers(cursor: Any) -> set[str]:
    cursor.execute(WRITERS)
    return {row[0] for row in cursor.fetchall()}
