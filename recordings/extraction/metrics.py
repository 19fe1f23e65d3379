"""How many recordings have features, wait, or cannot be read, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from recordings.extraction.coverage import Coverage, coverage

KEPT_S = 60.0  # counting reads an index over all measurements


class RecordingCollector(Collector):
    def __init__(self) -> None:
        self._counted: tuple[float, Coverage] | None = None

    def collect(self) -> Iterator[Metric]:
        found = self._coverage()
        sessions = GaugeMetricFamily(
            "millrace_recordings", "Completed sessions of recording with IQ data.", labels=["state"]
        )
        for state, count in (("with_features", found.with_features), ("waiting", found.waiting),
                             ("unreadable", found.failed)):  # fmt: skip
            sessions.add_metric([state], count)
        yield sessions

    def _coverage(self) -> Coverage:
        if self._counted is None or time.monotonic() - self._counted[0] > KEPT_S:
            self._counted = (time.monotonic(), coverage())
        return self._counted[1]
