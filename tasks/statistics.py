"""Counts and times of background work: the present from the live rows, the past from tallies by minute."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

BUCKETS_PER_OCTAVE = 4  # a bucket's bounds are 19 % apart, so a percentile read from it is at most 19 % too high
TALLIED_AGAIN_S = 180  # a minute is counted anew until no transaction that ended a task in it can still commit
KEPT_BY_MINUTE = "48 hours"
BUCKET = "ceil(4 * ln(greatest(extract(epoch FROM {}) * 1000, 1)::float8) / ln(2))::smallint"

# Counted from the rows each time, never added to: so it may run twice at once, or not at all for a while.
TALLY = f"""
WITH since AS (
  SELECT date_trunc('minute', greatest(
    now() - interval '47 hours',
    least(now() - make_interval(secs => %(again)s), coalesce(
      (SELECT max(minute) FROM tasks_tally WHERE minute > 'epoch'),
      (SELECT min(completed_at) FROM tasks_task))))) AS minute
), counted AS (
  SELECT date_trunc('minute', completed_at) AS minute, queue_name, name, status,
    {BUCKET.format("coalesce(attempt_started_at, completed_at) - run_after")} AS wait,
    {BUCKET.format("completed_at - coalesce(attempt_started_at, completed_at)")} AS run, count(*) AS count
  FROM tasks_task WHERE completed_at >= (SELECT minute FROM since) GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO tasks_tally (minute, queue_name, name, status, wait_bucket, run_bucket, count)
SELECT * FROM counted
ON CONFLICT (minute, queue_name, name, status, wait_bucket, run_bucket) DO UPDATE SET count = excluded.count
  WHERE tasks_tally.count <> excluded.count
"""
FOLD = """
WITH old AS (
  DELETE FROM tasks_tally WHERE minute < now() - %(kept)s::interval AND minute > 'epoch' RETURNING *
)
INSERT INTO tasks_tally (minute, queue_name, name, status, wait_bucket, run_bucket, count)
SELECT 'epoch', queue_name, name, status, wait_bucket, run_bucket, sum(count) FROM old GROUP BY 2, 3, 4, 5, 6
ON CONFLICT (minute, queue_name, name, status, wait_bucket, run_bucket)
  DO UPDATE SET count = tasks_tally.count + excluded.count
"""
TALLY_LOCK = 0x74616C6C


def tally() -> None:
    """Bring the tallies up to date. Two at once wait for nobody: the second has nothing to do."""
    values: dict[str, Any] = {"kept": KEPT_BY_MINUTE, "again": TALLIED_AGAIN_S}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TALLY_LOCK])
        if cursor.fetchone()[0]:
            cursor.execute(TALLY, values)
            cursor.execute(FOLD, values)
