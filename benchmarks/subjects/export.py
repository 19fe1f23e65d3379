"""The offline store: exporting all events and a few new ones beside COPY, and reading columns beside COPY."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection

from benchmarks import data
from benchmarks.measure import Figure, Scale, alternate, at_least, at_most, medians
from benchmarks.subjects.ingest import make
from features.intake.ingest import ingest

PER_ENTITY, NEW = 50, 1_000
COLUMNS = ["entity_id", "event_type", "event_time", "recorded_at", "value", "id"]
EVERYTHING = "id, source, source_id, entity_type, entity_id, event_type, event_time, recorded_at, value, payload"


class Nowhere:
    def write(self, data: bytes) -> None:
        pass


def measure(scale: Scale) -> list[Figure]:
    entities = scale.entities or scale.of(20_000, 2_000)
    data.events(entities, per_entity=PER_ENTITY)
    data.vacuum("raw_events")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    settings.EXPORT_URL = os.environ["EXPORT_URL"] = tempfile.mkdtemp(prefix="millrace-bench-")
    try:
        return [*whole(scale, entities), *few(scale), *read(scale)]
    finally:
        shutil.rmtree(settings.EXPORT_URL)


def copy(columns: str = EVERYTHING, after: int = 0) -> None:
    query = f"COPY (SELECT {columns} FROM raw_events WHERE id > {after}) TO STDOUT (FORMAT csv)"
    with connection.cursor() as cursor:
        cursor.copy_expert(query, Nowhere())


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def whole(scale: Scale, entities: int) -> list[Figure]:
    """By the command, in a process of its own, so that its memory is its own too."""
    peaks: list[float] = []

    def export() -> float:
        command = [sys.executable, "manage.py", "export_events", "--full", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout
            report = json.load(child.stdout)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        peaks.append(used.ru_maxrss / 1024)
        if child.returncode or report["events"] != events:
            raise RuntimeError(report)
        return report["seconds"]

    from features.offline.manifest import live_files

    events = entities * PER_ENTITY
    found = medians(alternate({"export": export, "copy": lambda: seconds(copy)}, rounds=scale.of(3, 1)))
    size = sum(live_files().values_list("bytes", flat=True))
    verified = seconds(verify)
    return [
        Figure(f"full export, {events / 1e6:g}M events", events / found["export"], "events/s", events / found["copy"],
               "COPY TO STDOUT", (at_least(0.25, of_floor=True),), f"{size / events:.0f} bytes an event"),
        Figure("the same, most memory of the process", max(peaks), "MiB", None, "", (at_most(400),)),
        Figure("verifying every file, hash and id", events / verified, "events/s", events / found["copy"],
               "COPY TO STDOUT"),
    ]  # fmt: skip


def verify() -> None:
    from features.offline.verification import verify

    if problems := verify().problems:
        raise RuntimeError(problems)


def few(scale: Scale) -> list[Figure]:
    """An export of a thousand new events: horizon, chunk, file, rows, manifest and sweep."""
    from features.offline.export import export_events
    from features.offline.models import Export
    from features.offline.upkeep import tidy

    made = make()
    spent: dict[str, list[float]] = {"export": [], "manifest": [], "copy": []}
    for _ in range(scale.of(15, 5)):
        after = Export.objects.order_by("-last_id").values_list("last_id", flat=True)[0]
        ingest([next(made) for _ in range(NEW)], refresh=False)
        spent["copy"].append(seconds(lambda after=after: copy(after=after)))
        spent["export"].append(seconds(lambda: list(export_events())))
        spent["manifest"].append(seconds(tidy))
    found = {name: 1000 * statistics.median(times) for name, times in spent.items()}
    return [
        Figure(f"export of {NEW:,} new events", found["export"], "ms", found["copy"], "COPY TO STDOUT"),
        Figure("manifest and sweep", found["manifest"], "ms"),
    ]


def read(scale: Scale) -> list[Figure]:
    """Six columns of everything, as training reads them."""
    from features.offline import reader
    from features.offline.compaction import compact

    list(compact(fully=True))
    count = len(reader.events("borrower", columns=["id"]))
    one = reader.events("borrower", columns=["entity_id"]).column("entity_id")[0].as_py()
    sides = {
        "files": lambda: seconds(lambda: reader.events("borrower", columns=COLUMNS)),
        "copy": lambda: seconds(lambda: copy(", ".join(COLUMNS))),
        "types": lambda: seconds(lambda: reader.events("borrower", columns=COLUMNS, types=["bank.interest"])),
        "one": lambda: seconds(lambda: reader.events("borrower", columns=COLUMNS, entity_ids=[one])),
    }
    found = medians(alternate(sides, rounds=scale.of(7, 3)))
    values = reader.events("borrower", columns=["value"]).column("value")
    cents = statistics.median(seconds(lambda: reader.scaled(values, decimals=2)) for _ in range(5))
    bound = 0.5 * count / 1e6
    floor = "COPY, unparsed"
    return [
        Figure(f"reading 6 columns of {count / 1e6:.3g}M events", found["files"], "s", found["copy"], floor,
               (at_most(round(bound, 3)),)),
        Figure("the same, one event type", found["types"], "s", found["copy"], floor),
        Figure("the same, one entity", found["one"], "s", found["copy"], floor),
        Figure("their values as int64 of cents", cents, "s"),
    ]  # fmt: skip
