"""Serving stored features: in process beside the same SELECT prepared, over HTTP beside an empty view."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks import data, readers
from benchmarks.measure import Figure, Scale, at_least, at_most, p50s
from features.models import RawEvent
from features.serving.online import online
from features.serving.stored import stored
from loans.features import CoreBehavioral


def measure(scale: Scale) -> list[Figure]:
    ids = [client.entity_id for client in data.clients(scale.of(5_000, 1_000))]
    return [*in_this_process(scale, ids), *over_http(scale, ids)]


def in_this_process(scale: Scale, ids: list[str]) -> list[Figure]:
    chosen = random.Random(1999)
    with_events = list(
        RawEvent.objects.filter(entity_type="borrower").order_by().values_list("entity_id", flat=True).distinct()
    )
    now = timedelta(0)
    with readers.prepared(CoreBehavioral) as execute, readers.cached(CoreBehavioral, ids) as mget:
        calls: dict[str, Callable[[], Any]] = {}
        for count in (1, 100):
            calls[f"stored {count}"] = lambda n=count: stored(CoreBehavioral, chosen.sample(ids, n))
            calls[f"online {count}"] = lambda n=count: online([CoreBehavioral], chosen.sample(ids, n))
            calls[f"now {count}"] = lambda n=count: online([CoreBehavioral], chosen.sample(with_events, n), max_age=now)
            calls[f"prepared {count}"] = lambda n=count: execute(chosen.sample(ids, n))
            calls[f"mget {count}"] = lambda n=count: mget(chosen.sample(ids, n))
        found = p50s(calls, times=scale.of(300, 100), rounds=scale.of(7, 3))
    return [
        Figure("stored, 1 entity, p50", found["stored 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(2.5, of_floor=True),), f"Redis GET {found['mget 1']:.3f} ms"),
        Figure("online, 1 entity, p50", found["online 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(3, of_floor=True),)),
        Figure("computed now, 1 entity, p50", found["now 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(1),)),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["prepared 100"], "prepared SELECT"),
        Figure("online, 100 entities, p50", found["online 100"], "ms", found["prepared 100"], "prepared SELECT",
               (at_most(3, of_floor=True),)),
        Figure("computed now, 100 entities, p50", found["now 100"], "ms", found["prepared 100"], "prepared SELECT"),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["mget 100"], "Redis MGET",
               (at_most(4, of_floor=True),)),
    ]  # fmt: skip


def over_http(scale: Scale, ids: list[str]) -> list[Figure]:
    ask = readers.Requests(CoreBehavioral, ids)
    found = readers.answered(scale, {
        "one": lambda: ask(readers.PATH, 1),
        "hundred": lambda: ask(readers.PATH, 100),
        "guarded": lambda: ask(readers.GUARDED, 1),
        "empty": lambda: ask(readers.EMPTY, 1),
    })  # fmt: skip
    p50, rps, cpu = found.p50, found.per_s, found.cpu
    empty, loop = "empty DRF view", "8 connections"
    goals = (at_most(2), at_most(4, of_floor=True))
    return [
        Figure("HTTP p50, 1 entity, 1 connection", p50["one"], "ms", p50["empty"], empty, goals),
        Figure("HTTP p50, 100 entities, 1 connection", p50["hundred"], "ms", p50["empty"], empty),
        Figure("HTTP p50, empty view behind bearer, role and throttle", p50["guarded"], "ms", p50["empty"], empty),
        Figure(f"HTTP, 1 entity, {loop}", rps["one"], "requests/s", rps["empty"], empty,
               (at_least(0.3, of_floor=True),)),
        Figure(f"HTTP, 100 entities, {loop}", rps["hundred"], "requests/s", rps["empty"], empty),
        Figure(f"HTTP, bearer, role and throttle, {loop}", rps["guarded"], "requests/s", rps["empty"], empty),
        Figure("HTTP, 1 entity, CPU of the servers", cpu["one"], "ms/request", cpu["empty"], empty),
        Figure("HTTP, 100 entities, CPU of the servers", cpu["hundred"], "ms/request", cpu["empty"], empty),
        Figure("HTTP, bearer, role and throttle, CPU", cpu["guarded"], "ms/request", cpu["empty"], empty),
    ]  # fmt: skip
