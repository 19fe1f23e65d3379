"""200 loan requests a second for a minute: real web server, workers and scheduler, and what grows meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.db import connection

from benchmarks import data, load, servers
from benchmarks.measure import Cpu, Figure, Scale, at_least, at_most
from benchmarks.subjects.loan_request import BODY, PRODUCT

RATE = 200  # requests a second
WARM, WARM_RATE = 200, 20  # requests beforehand, until plans are kept
CONNECTIONS = 40
PATIENCE_S = 300
STATE = """
SELECT (SELECT count(*) FROM tasks_task WHERE status = 'pending' AND run_after <= now()),
  (SELECT count(DISTINCT entity_id) FROM features_staleentity),
  (SELECT coalesce(extract(epoch FROM now() - min(since)), 0)::float8 FROM features_staleentity)
"""


def measure(scale: Scale) -> list[Figure]:
    rate, seconds = scale.rate or RATE, scale.of(60, 15)
    crowd = data.crowd(rate * seconds + WARM)
    requests = [load.post(PRODUCT, BODY, token=one.token, address=one.address) for one in crowd]
    with (
        servers.web() as web,
        servers.started("manage.py", "workers") as workers,
        servers.started("manage.py", "scheduler") as scheduler,
        Behind() as behind,
    ):
        load.held(requests[:WARM], port=web.port, rate=WARM_RATE, connections=CONNECTIONS)
        data.analyze()
        behind.wait()
        behind.seen.clear()
        roots = {"web": web.process, "workers": workers, "scheduler": scheduler, **servers.databases()}
        with Cpu(roots) as cpu:
            done = load.held(requests[WARM:], port=web.port, rate=rate, connections=CONNECTIONS)
        pending, stale, age_s = behind.look()
        fresh_s = behind.wait()
    count, per_request = len(done.times_ms), " ".join(
        f"{name} {1000 * used / max(len(done.times_ms), 1):.1f}" for name, used in cpu.used.items()
    )  # fmt: skip
    wrong = "; ".join(sorted(set(done.errors))[:2])
    over_time = [behind.near(part * seconds / 4) for part in (1, 2, 3, 4)]
    return [
        Figure("requests answered", count / done.seconds, "requests/s", rate, "asked for",
               (at_least(0.99, of_floor=True),)),
        Figure("errors", len(done.errors), "requests", goals=(at_most(0),), cpu=wrong),
        Figure("from the moment it was due, p50", load.percentile(done.times_ms, 50), "ms"),
        Figure("the same, p95", load.percentile(done.times_ms, 95), "ms"),
        Figure("the same, p99", load.percentile(done.times_ms, 99), "ms"),
        Figure("requests due and not sent for want of a connection, most", done.most_waiting, "requests"),
        Figure("CPU of all", sum(cpu.used.values()) / max(count, 1) * 1000, "ms/request", cpu=f"ms: {per_request}"),
        Figure("feature tasks waiting at the end", pending, "tasks",
               cpu="after each quarter: " + ", ".join(str(one[0]) for one in over_time)),
        Figure("borrowers with stale features at the end", stale, "borrowers",
               cpu="after each quarter: " + ", ".join(str(one[1]) for one in over_time)),
        Figure("the oldest of them stale for", age_s, "s"),
        Figure("until nothing waits and all are fresh", fresh_s, "s"),
    ]  # fmt: skip


@dataclass(slots=True)
class Behind:
    """Looks once a second, over a connection of its own, at what still waits: tasks, borrowers, and since when."""

    seen: list[tuple[float, Any]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _plain: Any = None

    def __enter__(self) -> Behind:
        self._plain = psycopg2.connect(**connection.get_connection_params())
        self._plain.autocommit = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._plain.close()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            self.look()

    def look(self) -> tuple[int, int, float]:
        with self._lock, self._plain.cursor() as cursor:
            cursor.execute(STATE)
            found = cursor.fetchone()
        self.seen.append((time.monotonic(), found))
        return found

    def wait(self) -> float:
        """Until nothing waits; returns the seconds."""
        started = time.monotonic()
        while any(self.look()[:2]):
            if time.monotonic() - started > PATIENCE_S:
                raise RuntimeError(f"features do not catch up: {self.seen[-1][1]}")
            time.sleep(0.2)
        return time.monotonic() - started

    def near(self, seconds: float) -> tuple[int, int, float]:
        """What was seen so long after the first look."""
        first = self.seen[0][0]
        return min(self.seen, key=lambda one: abs(one[0] - first - seconds))[1]
