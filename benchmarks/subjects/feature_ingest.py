"""Taking events in over HTTP, 1,000 a request, beside COPY into a table without indexes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from base.roles import Role
from benchmarks import data, load, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least
from benchmarks.subjects.ingest import BATCH, MEDIA, WARM, as_text, body_of, copy
from features.intake.ingest import NewEvent

KNOWN = 20_000


def measure(scale: Scale) -> list[Figure]:
    entities = scale.of(KNOWN, 2_000)
    data.movements(entities)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_events (LIKE raw_events INCLUDING DEFAULTS INCLUDING IDENTITY)")
    batches, made = scale.of(20, 5), events(entities)
    [client] = data.logged_in(data.people(1, Role.SERVICE))
    with servers.web() as web:
        watched = {"web": web.process, **servers.databases()}

        def request(batch: list[NewEvent]) -> bytes:
            return load.post("/api/v1/events", body_of(batch), token=client.token, media=MEDIA)

        def counted(prepare: Callable[[list[NewEvent]], Any], work: Callable[[list[Any]], Any]) -> tuple[float, float]:
            """Events a second and CPU microseconds an event; what is sent is made before the clock starts."""
            ready = [prepare([next(made) for _ in range(BATCH)]) for _ in range(batches)]
            with Cpu(watched) as cpu:
                started = time.perf_counter()
                work(ready)
                seconds = time.perf_counter() - started
            return batches * BATCH / seconds, 1e6 * sum(cpu.used.values()) / (batches * BATCH)

        def send(connections: int) -> Callable[[list[bytes]], Any]:
            return lambda ready: load.run(ready, port=web.port, connections=connections)

        send(2)([request([next(made) for _ in range(BATCH)]) for _ in range(WARM)])
        sides = {
            "one": lambda: counted(request, send(1)),
            "copy": lambda: counted(as_text, lambda ready: [copy(text) for text in ready]),
            "two": lambda: counted(request, send(2)),
        }
        found = alternate(sides, rounds=scale.of(5, 2))
    speed = {name: statistics.median(run[0] for run in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(run[1] for run in runs) for name, runs in found.items()}
    floor, each = "COPY, no index", "events/s"
    goals = (at_least(30_000), at_least(0.3, of_floor=True))
    return [
        Figure("POST /events, 1,000 a request, 1 client", speed["one"], each, speed["copy"], floor, goals),
        Figure("POST /events, 1,000 a request, 2 clients", speed["two"], each, speed["copy"], floor),
        Figure("POST /events, cost", cpu["one"], "µs CPU/event", cpu["copy"], floor),
    ]


def events(entities: int) -> Iterator[NewEvent]:
    """New events of known and unknown accounts alike."""
    now, number = timezone.now(), 0
    while True:
        number += 1
        yield NewEvent(
            source="synthetic-new",
            source_id=f"new:{number}",
            event_type="account.cash_deposit" if number % 3 else "account.interest",
            entity_id=f"new-{number * 7919 % entities}",
            event_time=now - timedelta(seconds=number % 86_400),
            data={"amount": f"{number % 5000}.25", "balance": f"{number % 60000}.50"},
        )
