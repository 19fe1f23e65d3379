"""A table of tasks as it is after months: a million ended ones with their attempts, and those that wait."""

from __future__ import annotations

from typing import Any

from django.db import connection

from benchmarks.data import vacuum
from tasks.definitions import registered_names
from tasks.statistics import tally

DAYS = 30
STEP = 100_000
COLUMNS = """
  (id, name, queue_name, priority, status, subject_type, subject_id, kwargs, created_at, run_after, started_at,
   completed_at, progress, progress_message, result, result_ttl_s, error_type, error_message, error_traceback, attempt,
   attempt_started_at, worker, max_attempts, timeout_s, crashes, handed_back, lease_token, requested_by_id,
   correlation_id)
"""
# Oldest first, as they were made. In a hundred: 95 completed, 4 failed, 1 cancelled before it began; every 20th was
# tried twice. Times to the first start and of the run are spread like those of real queues: mostly short, a long tail.
ENDED = f"""
INSERT INTO tasks_task {COLUMNS}
SELECT uuidv7(made - now()), (%(names)s::text[])[1 + (n * 7) %% cardinality(%(names)s::text[])],
  (%(queues)s::text[])[1 + n %% 3], CASE n %% 50 WHEN 0 THEN 10 ELSE 0 END, status,
  CASE WHEN n %% 4 = 0 THEN 'borrower' ELSE '' END, CASE WHEN n %% 4 = 0 THEN (n %% 5000)::text ELSE '' END,
  jsonb_build_object('number', n), made, made, began, ended, CASE status WHEN 'completed' THEN 100 ELSE 0 END, '',
  CASE WHEN status = 'completed' AND n %% 10 = 0 THEN '{{"rows": 12}}'::jsonb END, 3600,
  CASE WHEN status <> 'failed' THEN '' WHEN n %% 3 = 0 THEN 'builtins.ValueError' ELSE 'builtins.ConnectionError' END,
  CASE status WHEN 'failed' THEN 'synthetic' ELSE '' END, '', tries, began, CASE WHEN tries > 0 THEN 'bench:1/2' ELSE ''
  END, 3, 300, 0, 0, tries, CASE WHEN n %% 8 = 0 THEN %(user)s::bigint END, md5(n::text)
FROM (
  SELECT n, made, CASE WHEN n %% 100 < 95 THEN 'completed' WHEN n %% 100 < 99 THEN 'failed' ELSE 'cancelled' END status,
    CASE WHEN n %% 100 = 99 THEN 0 WHEN n %% 20 = 0 THEN 2 ELSE 1 END AS tries, began,
    coalesce(began, made) + make_interval(secs => 0.01 - ln(1 - random()) / 2) AS ended
  FROM (
    SELECT n, made,
      CASE WHEN n %% 100 <> 99 THEN made + make_interval(secs => 0.005 - ln(1 - random()) / 5) END AS began
    FROM (
      SELECT n, now() - make_interval(secs => 60 + (%(total)s - n) * (86400.0 * %(days)s / %(total)s)) AS made
      FROM generate_series(%(first)s, %(last)s) AS n
    ) a
  ) b
) c
"""
ATTEMPTS = """
INSERT INTO tasks_attempt
  (task_id, number, worker, started_at, ended_at, outcome, error_type, error_message, traceback)
SELECT t.id, number, t.worker, t.attempt_started_at, t.completed_at,
  CASE WHEN t.status = 'completed' AND number = t.attempt THEN 'completed' ELSE 'error' END,
  CASE WHEN t.status = 'completed' AND number = t.attempt THEN '' ELSE 'builtins.ConnectionError' END, '', ''
FROM tasks_task t, generate_series(1, t.attempt) AS number
"""
WAITING = """
INSERT INTO tasks_task (name, queue_name, priority, status, subject_type, subject_id, run_after, max_attempts,
  timeout_s, result_ttl_s, correlation_id, kwargs, progress, progress_message, error_type, error_message,
  error_traceback, attempt, worker, crashes, handed_back, lease_token)
SELECT %(name)s, %(queue)s, %(priority)s, 'pending', '', '', now() + make_interval(secs => %(in_s)s + n * 0.001), 3,
  300, 3600, '', '{}', 0, '', '', '', '', 0, '', 0, 0, 0
FROM generate_series(1, %(count)s) AS n
"""


def ended(count: int, *, user_id: int | None = None) -> None:
    """Ended tasks of the last month with their attempts; statistics are brought up to date."""
    values: dict[str, Any] = {
        "names": registered_names(),
        "queues": ["default", "high", "low"],
        "user": user_id,
        "total": count,
        "days": DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SELECT setseed(0.1999)")
        for first in range(1, count + 1, STEP):
            cursor.execute(ENDED, values | {"first": first, "last": min(count, first + STEP - 1)})
        cursor.execute(ATTEMPTS)
    vacuum("tasks_task", "tasks_attempt")
    tally()
    vacuum("tasks_tally")


def waiting(count: int, *, in_s: float = -3600, priority: int = 0, queue: str = "default",
            vacuumed: bool = True) -> None:  # fmt: skip
    """Pending no-op tasks, due since an hour or in `in_s` seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(WAITING, {"name": "benchmarks.noop", "queue": queue, "priority": priority, "in_s": in_s,
                                 "count": count})  # fmt: skip
    if vacuumed:
        vacuum("tasks_task")


def forget() -> None:
    """No tasks at all."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE tasks_task CASCADE")
        cursor.execute("TRUNCATE tasks_tally")
    vacuum("tasks_task", "tasks_attempt")
