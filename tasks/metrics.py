"""Task metrics, read from PostgreSQL when scraped: true whichever process answers."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

LIVE = """
SELECT queue_name, name, status, count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8
FROM tasks_task WHERE status IN ('pending', 'processing') GROUP BY 1, 2, 3
"""
DEAD = "SELECT name, count(*) FROM tasks_task WHERE status = 'failed' AND discarded_at IS NULL GROUP BY 1"


class TaskCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        live = GaugeMetricFamily("millrace_tasks", "Live tasks.", labels=["queue", "task", "status"])
        oldest = GaugeMetricFamily(
            "millrace_tasks_oldest_seconds", "Age of the oldest live task.", labels=["queue", "task", "status"]
        )
        dead = GaugeMetricFamily("millrace_tasks_dead", "Failed tasks not discarded.", labels=["task"])
        with connection.cursor() as cursor:
            cursor.execute(LIVE)
            for queue, name, status, count, age in cursor.fetchall():
                live.add_metric([queue, name, status], count)
                oldest.add_metric([queue, name, status], age)
            cursor.execute(DEAD)
            for name, count in cursor.fetchall():
                dead.add_metric([name], count)
        yield from (live, oldest, dead)
