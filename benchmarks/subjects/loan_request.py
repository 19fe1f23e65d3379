"""POST /api/v1/loans/request beside all its rows written by one statement: through the same stack, bare, in process."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from decimal import Decimal
from statistics import fmean, median
from typing import Any
from unittest.mock import patch

import psycopg2
from django.db import connection
from django.test import Client as TestClient

from base.context import acting, new_correlation_id
from benchmarks import data, floor, load, servers
from benchmarks.measure import (
    Cpu,
    Figure,
    Scale,
    alternate,
    at_most,
    median_of,
    p50s,
    percentile,
    timed,
)
from loans import services
from tasks import bell

ASKED = {"requested_amount": "45000.00", "purpose": "a new roof", "term_months": 24}
PRODUCT = "/api/v1/loans/request"
BODY = json.dumps(ASKED).encode()
TRIGGER = "background trigger in a request"
WARM = 10  # requests, until plans are kept


def measure(scale: Scale) -> list[Figure]:
    rounds, alone, together = scale.of(5, 2), scale.of(150, 50), scale.of(400, 200)
    in_process = scale.of(200, 50)
    crowd = iter(data.clients((rounds + 1) * (alone + together) + rounds * in_process + 2 * in_process + WARM + 20))
    ask(next(crowd))
    return [
        *over_http(crowd, rounds, alone, together),
        *in_this_process(crowd, rounds, in_process),
        *statements(crowd),
        *split(crowd, in_process),
    ]


def ask(client: data.Client) -> services.Answer:
    with acting(correlation_id=new_correlation_id(), actor=f"user:{client.user.pk}", user_id=client.user.pk,
                ip=client.address, user_agent="benchmarks"):  # fmt: skip
        amount = Decimal(ASKED["requested_amount"])
        return services.request_loan(user=client.user, requested_amount=amount, purpose="a new roof", term_months=24)


def over_http(crowd: Any, rounds: int, alone: int, together: int) -> list[Figure]:
    """One connection for the answer time, eight for the throughput; three sides in turns."""
    with servers.web() as product, servers.web("benchmarks.floor_settings") as bare:
        running = servers.databases()

        def side(web: servers.Web, path: str, connections: int, count: int) -> tuple[load.Load, float]:
            batch = [next(crowd) for _ in range(count)] if path == PRODUCT else known[:count]
            requests = [load.post(path, _body(path, one), token=one.token, address=one.address) for one in batch]
            with Cpu({"web": web.process, **running}) as cpu:
                done = load.run(requests, port=web.port, connections=connections)
            return done, 1000 * cpu.servers() / count

        known = [next(crowd) for _ in range(together)]
        names = {
            "product": (product, PRODUCT),
            "stack": (product, "/api/floor/guarded/loan"),
            "bare": (bare, "/api/floor/loan"),
        }
        for web, path in names.values():
            side(web, path, 8, 40)
        one = alternate({n: lambda s=s: side(*s, 1, alone) for n, s in names.items()}, rounds=rounds)
        eight = alternate({n: lambda s=s: side(*s, 8, together) for n, s in names.items()}, rounds=rounds)

    def p50(name: str, which: str = "p50") -> float:
        return median_of((done for done, _ in one[name]), which)

    def rps(name: str) -> float:
        return median_of((done for done, _ in eight[name]), "per_s")

    def cpu(name: str) -> float:
        return median([ms for _, ms in one[name]])

    stack, view = "the rows, same stack", "the rows, bare view"
    goals = (at_most(5), at_most(2, of_floor=True))
    return [
        Figure("HTTP p50, 1 connection", p50("product"), "ms", p50("stack"), stack, goals),
        Figure("the same", p50("product"), "ms", p50("bare"), view),
        Figure("HTTP p95, 1 connection", p50("product", "p95"), "ms", p50("stack", "p95"), stack),
        Figure("HTTP, CPU of the servers", cpu("product"), "ms/request", cpu("stack"), stack),
        Figure("the same", cpu("product"), "ms/request", cpu("bare"), view),
        Figure("HTTP, 8 connections", rps("product"), "requests/s", rps("stack"), stack),
        Figure("the same", rps("product"), "requests/s", rps("bare"), view),
    ]


def _body(path: str, client: data.Client) -> bytes:
    return BODY if path == PRODUCT else json.dumps({**ASKED, "borrower_id": client.entity_id}).encode()


def in_this_process(crowd: Any, rounds: int, times: int) -> list[Figure]:
    plain = psycopg2.connect(**connection.get_connection_params())
    borrower = next(crowd).entity_id

    def write() -> None:
        with plain.cursor() as cursor:
            floor.read_features(cursor, borrower)
            floor.write_rows(cursor, borrower)
        plain.commit()

    found = p50s({"product": lambda: ask(next(crowd)), "floor": write}, times=times // 2, rounds=rounds)
    plain.close()
    return [
        Figure("request_loan in process, p50", found["product"], "ms", found["floor"], "psycopg2, one statement",
               (at_most(2.5, of_floor=True),)),
    ]  # fmt: skip


def statements(crowd: Any) -> list[Figure]:
    """What one request sends to PostgreSQL through Django's cursors; BEGIN and COMMIT come on top."""
    seen: list[str] = []

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        seen.extend(sql.split("; "))  # a lock is sent along with what it is for
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        for client in (next(crowd), next(crowd)):  # the first has to plan
            seen.clear()
            answer = TestClient().post(
                PRODUCT, BODY, content_type="application/json",
                headers={"authorization": f"Bearer {client.token}", "x-forwarded-for": client.address,
                         "host": "localhost"},
            )  # fmt: skip
            if answer.status_code != 201:
                raise RuntimeError(answer.content)
    return [
        Figure("SQL statements of one request", len(seen), "statements", 2, "", (at_most(12),), "and BEGIN, COMMIT")
    ]


def split(crowd: Any, times: int) -> list[Figure]:
    """Where the time of request_loan goes: each statement, the commit, the bell, and Python for the rest.

    Means over the middle half of the requests, so that the parts add up and hiccups do not count.
    """
    seen: list[tuple[float, dict[str, float]]] = []
    current: dict[str, float] = {}
    planned: dict[str, str] = {}

    def clocked(name: str, function: Any) -> Any:
        def run(*arguments: Any, **keywords: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                current[name] = current.get(name, 0) + (time.perf_counter() - started) * 1000

        return run

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        return clocked(_kind(sql, planned), execute)(sql, *arguments)

    connection.close()  # so that what is planned from now on is seen
    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(note))
        stack.enter_context(patch.object(connection, "_commit", clocked("COMMIT", connection._commit)))
        stack.enter_context(patch.object(bell, "ring", clocked("ring the bell", bell.ring)))
        trigger = clocked(TRIGGER, services.trigger_feature_computation)
        stack.enter_context(patch.object(services, "trigger_feature_computation", trigger))
        for _ in range(WARM):
            ask(next(crowd))
        for _ in range(times):
            current.clear()
            total = timed(lambda: ask(next(crowd)), times=1)[0]
            parts = {name: ms for name, ms in current.items() if name != TRIGGER}
            seen.append((total, current | {"Python for the rest": total - sum(parts.values())}))
    middle = sorted(seen, key=lambda one: one[0])[times // 4 : -times // 4]
    whole = fmean(total for total, _ in middle)
    parts = {name: fmean(parts.get(name, 0) for _, parts in middle) for name in middle[0][1]}
    triggered = parts.pop(TRIGGER) + parts["INSERT audit_entry"] / 2
    fast = percentile([one[TRIGGER] + one["INSERT audit_entry"] / 2 for _, one in seen], 10)
    told = f"its task and one of the two entries; the fastest tenth below {fast:.2f} ms"
    return [
        Figure(TRIGGER, triggered, "ms", None, "", (at_most(0.5),), told),
        *(
            Figure(f"request_loan: {name}", ms, "ms", None, "", (), f"{100 * ms / whole:.0f} % of {whole:.1f} ms")
            for name, ms in sorted(parts.items(), key=lambda part: -part[1])
        ),
    ]


def _kind(sql: str, planned: dict[str, str]) -> str:
    """`INSERT loans_loanrequest`: the verb and the first table it is about. planned: of what is prepared, by name."""
    if sql.startswith("PREPARE"):
        _, name, _, query = sql.split(maxsplit=3)
        planned[name] = _kind(query, planned)
        return "PREPARE"
    if (found := re.search(r"EXECUTE (\w+)", sql)) is not None:
        return planned[found[1]]
    if found := re.search(r"\b(INSERT) INTO (\w+)", sql) or re.search(r"\b(SELECT)\b.*?\bFROM (\w+)", sql, re.DOTALL):
        return f"{found[1]} {found[2]}"
    return sql.split()[0]
