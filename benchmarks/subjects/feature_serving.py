"""Serving ten features: in process beside the same SELECT prepared; computed anew; over HTTP beside an empty view."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks import data, readers
from benchmarks.measure import Figure, Scale, at_most, p50s
from benchmarks.workload.events import holder
from benchmarks.workload.features import Activity
from features.catalogue import set_id
from features.serving.online import online
from features.serving.stored import point_in_time, stored

BATCH = 500


def measure(scale: Scale) -> list[Figure]:
    ids = entities(scale.of(20_000, 2_000))
    return [*in_process(scale, ids), *over_http(scale, ids)]


def entities(count: int) -> list[str]:
    """Accounts with stored features."""
    data.movements(count)
    data.extract_all(BATCH, entity_type=holder.name)
    data.vacuum("model_features", "model_features_history")
    with connection.cursor() as cursor:
        cursor.execute("SELECT entity_id FROM model_features WHERE feature_set_id = %s", [set_id(Activity)])
        return [row[0] for row in cursor.fetchall()]


def in_process(scale: Scale, ids: list[str]) -> list[Figure]:
    chosen = random.Random(1999)
    with readers.prepared(Activity) as execute, readers.cached(Activity, ids) as mget:
        calls: dict[str, Callable[[], Any]] = {
            "anew 1": lambda: point_in_time(Activity, [(chosen.choice(ids), timezone.now())]),
            "now 1": lambda: online([Activity], [chosen.choice(ids)], max_age=timedelta(0)),
        }
        for count in (1, 100):
            calls[f"stored {count}"] = lambda n=count: stored(Activity, chosen.sample(ids, n))
            calls[f"online {count}"] = lambda n=count: online([Activity], chosen.sample(ids, n))
            calls[f"prepared {count}"] = lambda n=count: execute(chosen.sample(ids, n))
            calls[f"mget {count}"] = lambda n=count: mget(chosen.sample(ids, n))
        found = p50s(calls, times=scale.of(300, 100), rounds=scale.of(7, 3))
    select = "prepared SELECT"
    return [
        Figure("stored, 1 entity, p50", found["stored 1"], "ms", found["prepared 1"], select,
               (at_most(3, of_floor=True),), f"Redis GET {found['mget 1']:.3f} ms"),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["prepared 100"], select,
               (), f"Redis MGET {found['mget 100']:.3f} ms"),
        Figure("online, 1 entity, p50", found["online 1"], "ms", found["prepared 1"], select,
               (at_most(3, of_floor=True),)),
        Figure("online, 100 entities, p50", found["online 100"], "ms", found["prepared 100"], select),
        Figure("online, max_age 0, 1 entity, p50", found["now 1"], "ms", found["prepared 1"], select, (at_most(1),)),
        Figure("point_in_time, 1 entity, p50", found["anew 1"], "ms", found["prepared 1"], select),
    ]  # fmt: skip


def over_http(scale: Scale, ids: list[str]) -> list[Figure]:
    ask = readers.Requests(Activity, ids)
    found = readers.answered(scale, {
        "one": lambda: ask(readers.PATH, 1),
        "hundred": lambda: ask(readers.PATH, 100),
        "anew": lambda: ask(readers.PATH, 1, max_age_s=0),
        "guarded": lambda: ask(readers.GUARDED, 1),
        "empty": lambda: ask(readers.EMPTY, 1),
    })  # fmt: skip
    titles = {"one": "1 entity", "hundred": "100 entities", "anew": "1 entity computed anew",
              "guarded": "an empty view behind bearer, role and throttle"}  # fmt: skip
    p50, rps, cpu, empty = found.p50, found.per_s, found.cpu, "empty DRF view"
    return [
        *(Figure(f"HTTP p50, {title}", p50[n], "ms", p50["empty"], empty) for n, title in titles.items()),
        *(Figure(f"HTTP, 8 connections, {title}", rps[n], "requests/s", rps["empty"], empty)
          for n, title in titles.items()),
        *(Figure(f"HTTP, CPU, {title}", cpu[n], "ms/request", cpu["empty"], empty) for n, title in titles.items()),
    ]  # fmt: skip
