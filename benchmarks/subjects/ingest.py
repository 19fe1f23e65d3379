"""Taking events in, 1,000 at a time: in process and over HTTP, beside COPY into a table without indexes."""

from __future__ import annotations

import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from base.roles import Role
from benchmarks import data, load, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least, percentile, timed
from features.intake.ingest import NewEvent, ingest, store
from features.intake.plain import read_plain

BATCH, ENTITIES = 1_000, 20_000
WARM = 6  # requests before the first that counts, so that each process has had one
COLUMNS = "source, source_id, entity_type, entity_id, event_type, event_time, value, payload"
MEDIA = "cloudevents-batch+json"
Side = Callable[[list[list[NewEvent]]], tuple[float, float]]


def measure(scale: Scale) -> list[Figure]:
    data.events(scale.of(ENTITIES, 2_000), per_entity=scale.of(20, 10))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_events (LIKE raw_events INCLUDING DEFAULTS INCLUDING IDENTITY)")
    batches, rounds = scale.of(10, 3), scale.of(5, 2)
    made = make()
    [client] = data.logged_in(data.people(1, Role.SERVICE))
    with servers.web() as web:
        watched = {"web": web.process, **servers.databases()}

        def counted(work: Callable[[Any], Any], prepare: Callable[[list[NewEvent]], Any]) -> tuple[float, float]:
            """Events a second and CPU microseconds an event, with what must be ready before the clock starts."""
            ready = [prepare([next(made) for _ in range(BATCH)]) for _ in range(batches)]
            with Cpu(watched) as cpu:
                started = time.perf_counter()
                for batch in ready:
                    work(batch)
                seconds = time.perf_counter() - started
            events = batches * BATCH
            return events / seconds, 1e6 * sum(cpu.used.values()) / events

        def send(request: bytes) -> None:
            load.run([request], port=web.port, connections=1)

        def as_request(events: list[NewEvent]) -> bytes:
            return load.post("/api/v1/events", body_of(events), token=client.token, media=MEDIA)

        for _ in range(WARM):
            send(as_request([next(made) for _ in range(BATCH)]))
        sides = {
            "ingest": lambda: counted(ingest, list),
            "copy": lambda: counted(copy, as_text),
            "http": lambda: counted(send, as_request),
            "again": lambda: counted(ingest, stored),
        }
        found = alternate(sides, rounds=rounds)
    speed = {name: statistics.median(run[0] for run in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(run[1] for run in runs) for name, runs in found.items()}
    floor, goal, unit, cost = "COPY, no index", (at_least(0.3, of_floor=True),), "events/s", "µs CPU/event"
    return [
        Figure("ingest in process", speed["ingest"], unit, speed["copy"], floor),
        Figure("the same, cost", cpu["ingest"], cost, cpu["copy"], floor),
        Figure("known events again, in process, cost", cpu["again"], cost, cpu["copy"], floor),
        Figure("POST /events over HTTP, 1 client", speed["http"], unit, speed["copy"], floor, goal),
        Figure("the same, cost", cpu["http"], cost, cpu["copy"], floor),
        *stages(made, scale.of(30, 10)),
    ]


def make() -> Iterator[NewEvent]:
    now, number = timezone.now(), 0
    while True:
        number += 1
        yield NewEvent(
            source="synthetic-new",
            source_id=f"new:{number}",
            event_type="bank.cash_deposit" if number % 3 else "bank.interest",
            entity_id=f"new-{number * 7919 % ENTITIES}",
            event_time=now - timedelta(seconds=number % 86_400),
            data={"amount": f"{number % 5000}.25", "balance": f"{number % 60000}.50"},
        )


def stored(events: list[NewEvent]) -> list[NewEvent]:
    ingest(events)
    return events


def as_text(events: list[NewEvent]) -> str:
    lines = (
        [e.source, e.source_id, e.declaration.entity.name, e.entity_id, e.event_type, e.event_time.isoformat(),
         str(Decimal(e.data["amount"])), json.dumps(e.data)]
        for e in events
    )  # fmt: skip
    return "".join("\t".join(line) + "\n" for line in lines)


def copy(text: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.copy_expert(f"COPY bench_events ({COLUMNS}) FROM STDIN", io.StringIO(text))


def body_of(events: list[NewEvent]) -> bytes:
    items = [
        {"specversion": "1.0", "id": e.source_id, "source": e.source, "type": e.event_type, "subject": e.entity_id,
         "time": e.event_time.isoformat(), "data": e.data}
        for e in events
    ]  # fmt: skip
    return json.dumps(items).encode()


def stages(made: Iterator[NewEvent], times: int) -> list[Figure]:
    """Where the time of 1,000 events goes inside the view."""
    bodies = [body_of([next(made) for _ in range(BATCH)]) for _ in range(times)]
    read, batches = iter(bodies), []
    reading = percentile(timed(lambda: batches.append(read_plain(next(read))), times=times), 50)
    rows = iter([batch.rows for batch in batches if batch])
    storing = percentile(timed(lambda: store(next(rows)), times=times), 50)
    return [
        Figure("of 1,000 events: decoding and checking", reading, "ms"),
        Figure("of 1,000 events: storing, marks and the task", storing, "ms"),
    ]
