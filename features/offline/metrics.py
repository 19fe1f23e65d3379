"""How far the offline store is, read from PostgreSQL when scraped."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

FIGURES = """
SELECT (SELECT extract(epoch FROM now() - max(recorded_before)) FROM features_export),
  (SELECT coalesce(sum(rows), 0) FROM features_exportedfile WHERE replaced_at IS NULL),
  (SELECT count(*) FROM features_exportedfile WHERE replaced_at IS NULL)
"""


class OfflineCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(FIGURES)
            age, rows, files = cursor.fetchone()
        if age is not None:
            yield GaugeMetricFamily(
                "millrace_offline_age_seconds", "All events older than this are exported.", value=float(age)
            )
        yield GaugeMetricFamily("millrace_offline_events", "Events in files that count.", value=rows)
        yield GaugeMetricFamily("millrace_offline_files", "Files that count.", value=files)
