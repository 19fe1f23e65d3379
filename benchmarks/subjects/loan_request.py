"""POST /api/v1/loans/request beside the same five rows written by one statement, in process and through the stack."""

from __future__ import annotations

import json
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
    timed,
)
from loans import services
from tasks import bell

ASKED = {"requested_amount": "45000.00", "purpose": "a new roof", "term_months": 24}
PRODUCT = "/api/v1/loans/request"
BODY = json.dumps(ASKED).encode()


def measure(scale: Scale) -> list[Figure]:
    rounds, alone, together = scale.of(5, 2), scale.of(150, 50), scale.of(400, 200)
    in_process = scale.of(200, 50)
    crowd = iter(data.clients((rounds + 1) * (alone + together) + rounds * in_process + 2 * in_process + 10))
    ask(next(crowd))
    return [
        *over_http(crowd, rounds, alone, together),
        *in_this_process(crowd, rounds, in_process),
        *statements(next(crowd)),
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
            "floor": (bare, "/api/floor/loan"),
            "same stack": (product, "/api/floor/loan"),
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

    goals = (at_most(5), at_most(2.5, of_floor=True))
    return [
        Figure("HTTP p50, 1 connection", p50("product"), "ms", p50("floor"), "bare view", goals),
        Figure("HTTP p95, 1 connection", p50("product", "p95"), "ms", p50("floor", "p95"), "bare view"),
        Figure("HTTP, CPU of the servers", cpu("product"), "ms/request", cpu("floor"), "bare view"),
        Figure("HTTP, 8 connections", rps("product"), "requests/s", rps("floor"), "bare view"),
        Figure("the floor behind the product's middleware, p50", p50("same stack"), "ms", p50("floor"), "bare view"),
        Figure("the same, CPU of the servers", cpu("same stack"), "ms/request", cpu("floor"), "bare view"),
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


def statements(client: data.Client) -> list[Figure]:
    """What one request sends to PostgreSQL through Django's cursors; BEGIN, COMMIT and the health check come on top."""
    seen: list[str] = []

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        seen.append(_kind(sql))
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        answer = TestClient().post(
            "/api/v1/loans/request", BODY, content_type="application/json",
            headers={"authorization": f"Bearer {client.token}", "x-forwarded-for": client.address, "host": "localhost"},
        )  # fmt: skip
    if answer.status_code != 201:
        raise RuntimeError(answer.content)
    return [
        Figure("SQL statements of one request", len(seen), "statements", 2, "", (), "and BEGIN, COMMIT, health check")
    ]


def split(crowd: Any, times: int) -> list[Figure]:
    """Where the time of request_loan goes: each statement, the commit, the bell, and Python for the rest.

    Means over the middle half of the requests, so that the parts add up and hiccups do not count.
    """
    seen: list[tuple[float, dict[str, float]]] = []
    current: dict[str, float] = {}

    def clocked(name: str, function: Any) -> Any:
        def run(*arguments: Any, **keywords: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                current[name] = current.get(name, 0) + (time.perf_counter() - started) * 1000

        return run

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        return clocked(_kind(sql), execute)(sql, *arguments)

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(note))
        stack.enter_context(patch.object(connection, "_commit", clocked("COMMIT", connection._commit)))
        stack.enter_context(patch.object(bell, "ring", clocked("ring the bell", bell.ring)))
        for _ in range(times):
            current.clear()
            total = timed(lambda: ask(next(crowd)), times=1)[0]
            seen.append((total, current | {"Python for the rest": total - sum(current.values())}))
    middle = sorted(seen, key=lambda one: one[0])[times // 4 : -times // 4]
    whole = fmean(total for total, _ in middle)
    parts = {name: fmean(parts.get(name, 0) for _, parts in middle) for name in middle[0][1]}
    return [
        Figure(f"request_loan: {name}", ms, "ms", None, "", (), f"{100 * ms / whole:.0f} % of {whole:.1f} ms")
        for name, ms in sorted(parts.items(), key=lambda part: -part[1])
    ]


def _kind(sql: str) -> str:
    """`INSERT loans_loanrequest`: the verb and the table it is about."""
    words = sql.split()
    verb = words[0].upper()
    if verb in {"SAVEPOINT", "RELEASE"}:
        return verb
    before = {"SELECT": "FROM", "INSERT": "INTO", "UPDATE": words[0], "DELETE": "FROM"}.get(verb)
    table = next(
        (b.strip('"') for a, b in zip(words, words[1:], strict=False) if a.upper() == before and b[0] != "("), ""
    )
    lock = " FOR UPDATE" if " FOR UPDATE" in sql else ""
    return f"{verb} {table}{lock}".strip()
