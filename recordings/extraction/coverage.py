"""Which completed sessions with IQ data have features, and which wait for them: an anti-join, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

SUBJECT = "recording_session"  # what tasks and the audit trail call a session
TALLY = """
SELECT count(*), count(*) FILTER (WHERE missing = 0 AND measured > 0), count(*) FILTER (WHERE missing > 0),
  coalesce(sum(measurements), 0), coalesce(sum(measured), 0), coalesce(sum(measurements - missing - measured), 0)
FROM (
  SELECT count(*) AS measurements, count(*) FILTER (WHERE f.measurement_id IS NULL) AS missing,
    count(*) FILTER (WHERE f.error = '') AS measured
  FROM recording_sessions s JOIN measurements m ON m.session_id = s.id AND m.iq_data_location <> ''
  LEFT JOIN measurement_features f ON f.measurement_id = m.id
  WHERE s.status = 'completed' GROUP BY s.id
) session
"""
WAITS = """
s.status = 'completed' AND EXISTS (
  SELECT 1 FROM measurements m LEFT JOIN measurement_features f ON f.measurement_id = m.id
  WHERE m.session_id = s.id AND m.iq_data_location <> '' AND f.measurement_id IS NULL)
"""
# No task of it waits or runs, a retried one neither. After a failure not before its time: an hour, then twice as long
# each time, a day at most.
DUE = f"""
{WAITS} AND NOT EXISTS (
  SELECT 1 FROM tasks_task t
  WHERE t.subject_type = '{SUBJECT}' AND t.subject_id = s.id::text AND t.status IN ('pending', 'processing'))
AND NOT EXISTS (
  SELECT 1 FROM tasks_task t
  WHERE t.subject_type = '{SUBJECT}' AND t.subject_id = s.id::text AND t.status = 'failed'
  HAVING max(t.completed_at) > now() - least(interval '1 day', interval '1 hour' * power(2, least(count(*), 9) - 1)))
"""  # noqa: S608 - constants of this module
# Two runs at once take different sessions.
NEXT = f"""
SELECT s.id::text FROM recording_sessions s WHERE {DUE}
ORDER BY s.created_at DESC, s.id DESC LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this module
STILL = f"SELECT s.id::text FROM recording_sessions s WHERE s.id = ANY(%s::uuid[]) AND {DUE}"  # noqa: S608 - ours too
COUNT_DUE = f"SELECT count(*) FROM recording_sessions s WHERE {DUE}"  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Coverage:
    """Completed sessions with IQ data, and their measurements with IQ data.

    with_features: nothing of them waits, and something could be measured. waiting: something waits. What is neither
    failed: none of its samples can be read.
    """

    recordings: int
    with_features: int
    waiting: int
    measurements: int
    measured: int
    unreadable: int

    @property
    def failed(self) -> int:
        return self.recordings - self.with_features - self.waiting

    @property
    def percent(self) -> float:
        """0–100, two decimals; 100 when there is nothing to cover."""
        return round(100 * self.with_features / self.recordings, 2) if self.recordings else 100.0


def coverage() -> Coverage:
    with connection.cursor() as cursor:
        cursor.execute(TALLY)
        return Coverage(*map(int, cursor.fetchone()))


def counts() -> dict[str, Any]:
    """Coverage as the endpoints tell it."""
    found = coverage()
    return {
        "total_recordings": found.recordings,
        "recordings_with_features": found.with_features,
        "recordings_without_features": found.recordings - found.with_features,
        "total_measurements": found.measurements,
        "coverage_percent": found.percent,
    }


def due_sessions(limit: int) -> list[str]:
    """Ids of sessions to ask an extraction for, newest first, locked until the transaction ends."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(NEXT, [limit])
            locked = [row[0] for row in cursor.fetchall()]
            # Another run may have committed since that statement began; now that they are locked none does.
            cursor.execute(STILL, [locked])
            still = {row[0] for row in cursor.fetchall()}
            if still or not locked:
                return [session_id for session_id in locked if session_id in still]


def count_due() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_DUE)
        return cursor.fetchone()[0]
