"""Count what ended, by minute, from the rows: `tasks.figures` reads these tallies instead of a million rows.

Minutes of past hours are folded into their hour, and hours into one sum, so that the table stays small and totals
never fall. An hour is stamped one second past its beginning; what is before the newest of them is never counted again.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

BUCKETS_PER_OCTAVE = 4  # a bucket's bounds are 19 % apart, so a percentile read from it is at most 19 % too high
# A minute is counted anew until no transaction that ended a task in it can still commit: fully in the first seconds
# of each minute, its end every time.
TALLIED_AGAIN_S, JUST_NOW_S, FULLY_UNTIL_SECOND = 180, 15, 10
SLICE = timedelta(minutes=5)  # counted by one statement, which must not take long when there is much to catch up with
ENOUGH_S = 1.0  # then other duties of the scheduler have their turn
KEPT_BY_MINUTE, KEPT_BY_HOUR = "61 minutes", "48 hours"
BUCKET = "ceil(4 * ln(greatest(extract(epoch FROM {}) * 1000, 1)::float8) / ln(2))::smallint"

FOLDED = """
coalesce((SELECT max(hour) + interval '1 hour'
          FROM generate_series(date_trunc('hour', now()), now() - interval '49 hours', interval '-1 hour') AS hour
          WHERE EXISTS (SELECT FROM tasks_tally WHERE minute = hour + interval '1 second')), 'epoch')
"""
SINCE = f"""
SELECT date_trunc('minute', greatest({FOLDED}, now() - interval '47 hours',
  least(now() - make_interval(secs => coalesce(%(again)s, CASE WHEN extract(second FROM now()) < %(fully)s
                                                               THEN %(all)s ELSE %(end)s END)),
        coalesce((SELECT max(minute) FROM tasks_tally WHERE minute > 'epoch' AND extract(second FROM minute) = 0),
                 (SELECT min(completed_at) FROM tasks_task)))))
"""
# Counted from the rows each time, never added to: so it may run twice at once, or not at all for a while.
TALLY = f"""
WITH counted AS (
  SELECT date_trunc('minute', completed_at) AS minute, queue_name, name, status,
    {BUCKET.format("coalesce(attempt_started_at, completed_at) - run_after")} AS wait,
    {BUCKET.format("completed_at - coalesce(attempt_started_at, completed_at)")} AS run, count(*) AS count
  FROM tasks_task WHERE completed_at >= greatest(%(since)s, {FOLDED}) AND completed_at < %(until)s
  GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO tasks_tally (minute, queue_name, name, status, wait_bucket, run_bucket, count)
SELECT * FROM counted
ON CONFLICT (minute, queue_name, name, status, wait_bucket, run_bucket) DO UPDATE SET count = excluded.count
  WHERE tasks_tally.count <> excluded.count
"""
NEXT = "SELECT date_trunc('minute', min(completed_at)) FROM tasks_task WHERE completed_at >= %s"
FOLD = f"""
WITH old AS (
  DELETE FROM tasks_tally
  WHERE (minute > 'epoch' AND minute < now() - %(by_hour)s::interval)
    OR (minute >= {FOLDED} AND minute > 'epoch'
        AND minute < date_trunc('hour', least(%(counted)s, now() - %(by_minute)s::interval)))
  RETURNING CASE WHEN minute < now() - %(by_hour)s::interval THEN 'epoch'
                 ELSE date_trunc('hour', minute) + interval '1 second' END AS minute,
    queue_name, name, status, wait_bucket, run_bucket, count
)
INSERT INTO tasks_tally (minute, queue_name, name, status, wait_bucket, run_bucket, count)
SELECT minute, queue_name, name, status, wait_bucket, run_bucket, sum(count) FROM old GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT (minute, queue_name, name, status, wait_bucket, run_bucket)
  DO UPDATE SET count = tasks_tally.count + excluded.count
"""
TALLY_LOCK = 0x74616C6C


def tally(*, again_s: int | None = None) -> None:
    """Bring the tallies up to date, or nearer to it. Two at once wait for nobody: the second has nothing to do.

    again_s: how far back to count anew; by default as much as this second of the minute asks for.
    """
    enough = time.monotonic() + ENOUGH_S
    since = _since(again_s)
    slices = 0
    # At least two slices: the first may find nothing that is new.
    while since is not None and (slices < 2 or time.monotonic() < enough):
        if not _count(since, since + SLICE):
            return
        since = _first(NEXT, [since + SLICE])
        slices += 1


def _since(again_s: int | None) -> datetime | None:
    values = {"again": again_s, "fully": FULLY_UNTIL_SECOND, "all": TALLIED_AGAIN_S, "end": JUST_NOW_S}
    return _first(SINCE, values)


def _count(since: datetime, until: datetime) -> bool:
    """Count one slice anew, and fold the hours before it. False: another does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TALLY_LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(TALLY, {"since": since, "until": until})
        values: dict[str, Any] = {"counted": since, "by_minute": KEPT_BY_MINUTE, "by_hour": KEPT_BY_HOUR}
        cursor.execute(FOLD, values)
        return True


def _first(statement: str, values: Any = None) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
