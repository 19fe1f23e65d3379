"""Task metrics, read from PostgreSQL when scraped: true whichever process answers."""

from collections import Counter
from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tasks import figures
from tasks.models import Control, Status

DEAD = """
SELECT name, count(*) FROM tasks_task t WHERE status = 'failed' AND discarded_at IS NULL
  AND NOT EXISTS (SELECT FROM tasks_task r WHERE r.retry_of_id = t.id) GROUP BY 1
"""
BUSY = "SELECT count(DISTINCT worker) FROM tasks_task WHERE status = 'processing'"
LABELS = ["queue", "task"]
BOUNDS = range(0, 84, 2 * figures.BUCKETS_PER_OCTAVE)  # every second octave: 1 ms, 4 ms, … 17 minutes


class TaskCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        states = [*LABELS, "status"]
        tasks = GaugeMetricFamily("millrace_tasks", "Live tasks.", labels=states)
        due = GaugeMetricFamily("millrace_tasks_due", "Pending tasks that could run now.", labels=LABELS)
        oldest = GaugeMetricFamily(
            "millrace_tasks_oldest_seconds", "Longest wait of a due task; longest run of a running one.", labels=states
        )
        ended = CounterMetricFamily("millrace_tasks_ended", "Tasks that ended, by state.", labels=states)
        runs = HistogramMetricFamily(
            "millrace_task_run_seconds", "Run time of the last attempt; sums are up to 19 % high.", labels=LABELS
        )
        waits = HistogramMetricFamily(
            "millrace_task_wait_seconds",
            "From due to the last attempt's start; sums are up to 19 % high.",
            labels=LABELS,
        )
        for key, one in figures.collect().items():
            labels = list(key)
            tasks.add_metric([*labels, Status.PENDING], one.due + one.deferred)
            tasks.add_metric([*labels, Status.PROCESSING], one.running)
            due.add_metric(labels, one.due)
            oldest.add_metric([*labels, Status.PENDING], one.oldest_s)
            oldest.add_metric([*labels, Status.PROCESSING], one.longest_s)
            for status, count in one.ended.items():
                ended.add_metric([*labels, status], count)
            runs.add_metric(labels, *histogram(one.runs))
            waits.add_metric(labels, *histogram(one.waits))
        yield from (tasks, due, oldest, ended, runs, waits, *_others())


def _others() -> Iterator[Metric]:
    dead = GaugeMetricFamily("millrace_tasks_dead", "Failed tasks neither retried nor discarded.", labels=["task"])
    busy = GaugeMetricFamily("millrace_workers_busy", "Workers that run a task.")
    paused = GaugeMetricFamily("millrace_paused", "1 for a queue or task name that is paused.", labels=["kind", "name"])
    with connection.cursor() as cursor:
        cursor.execute(DEAD)
        for name, count in cursor.fetchall():
            dead.add_metric([name], count)
        cursor.execute(BUSY)
        busy.add_metric([], cursor.fetchone()[0])
    for control in Control.objects.all():
        paused.add_metric([control.kind, control.name], control.paused_at is not None)
    yield from (dead, busy, paused)


def histogram(counts: Counter[int]) -> tuple[list[tuple[str, float]], float]:
    """Cumulative buckets as Prometheus has them, with upper bounds in seconds, and the sum of the times."""
    bounds: list[tuple[str, float]] = [
        (str(figures.bucket_s(bound)), sum(count for bucket, count in counts.items() if bucket <= bound))
        for bound in BOUNDS
    ]
    total = sum(figures.bucket_s(bucket) * count for bucket, count in counts.items())
    return [*bounds, ("+Inf", counts.total())], total
