"""Reports over HTTP beside 256,514 others: filing one, every page; and how fast what waits is worked off."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from statistics import median
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from base.roles import Role
from benchmarks import city, data, load, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least, at_most, median_of, p50s, percentile
from benchmarks.processing import READY
from benchmarks.subjects.task_pages import staff_cookie
from reports.duplicates.search import find_candidates
from reports.models import Report, ReviewItem, Waiting
from reports.review.models import Why
from reports.review.work import ORDER, Wanted, open_items

ROWS, REVIEWS = 256_514, 30_000
FILED = {"title": "Deep pothole", "description": "A pothole as wide as a tyre in the right lane, by the school."}
PER_RESIDENT = 5  # of a new account in an hour: fewer than it may
PRODUCT, FLOOR = "/api/v1/reports/", "/api/floor/report"
LIST, NEAR = "/api/v1/reports/?", "/api/v1/reports/nearby?latitude=42.3555&longitude=-71.0603&"
O311 = "/open311/v2/requests.{}?start_date=2025-09-01T00:00:00Z&end_date=2025-11-29T00:00:00Z"


def cursor_at(moment: str) -> str:
    return quote(base64.b64encode(f"p={quote(moment)}".encode()).decode())


API = {
    "list": LIST,
    "list, deep cursor": f"{LIST}cursor={cursor_at('2016-06-01 00:00:00+00:00')}",
    "list, category": f"{LIST}category=tree",
    "list, rare category, deep cursor": f"{LIST}category=snow_ice&cursor={cursor_at('2016-06-01 00:00:00+00:00')}",
    "list, department": f"{LIST}department=transportation",
    "list, status": f"{LIST}status=received",
    "list, status that none has": f"{LIST}status=duplicate",
    "list, severity that none has": f"{LIST}severity=critical",
    "list, from and to": f"{LIST}from=2018-01-01T00:00:00Z&to=2018-02-01T00:00:00Z",
    "list, dense box": f"{LIST}bbox=-71.062,42.354,-71.058,42.357",
    "list, tiny box": f"{LIST}bbox=-71.1001,42.3001,-71.0999,42.3003",
    "list, empty box": f"{LIST}bbox=10,10,11,11",
    "list, box and category": f"{LIST}bbox=-71.11,42.30,-71.09,42.32&category=building",
    "list, category and status": f"{LIST}category=noise&status=in_progress",
    "list, category, status and severity": f"{LIST}category=tree&status=resolved&severity=high",
    "list, department, status, from": f"{LIST}department=parks&status=received&from=2024-01-01T00:00:00Z",
    "nearby, 300 m in the centre": f"{NEAR}radius_m=300",
    "nearby, 300 m, 100 of them": f"{NEAR}radius_m=300&limit=100",
    "nearby, 2 km in the centre": f"{NEAR}radius_m=2000&limit=100",
    "nearby, 2 km, rare category": f"{NEAR}radius_m=2000&category=snow_ice",
    "nearby, 2 km, status": f"{NEAR}radius_m=2000&status=in_progress&limit=100",
    "mine": "/api/v1/reports/mine?",
    "mine, status": "/api/v1/reports/mine?status=received",
    "Open311, 1,000 requests, JSON": O311.format("json"),
    "Open311, 1,000 requests, XML": O311.format("xml"),
    "Open311, 100 requests, JSON": O311.format("json") + "&page_size=100",
    "Open311, page 5 of a service": O311.format("json") + "&service_code=sanitation,other&page=5&page_size=100",
    "Open311, open requests": O311.format("json") + "&status=open",
}
REVIEW = {
    "review queue": "/api/v1/reports/review/",
    "review queue, a reason": "/api/v1/reports/review/?why=likely_duplicate",
    "review queue, a department": "/api/v1/reports/review/?department=parks",
}
CONSOLE = {
    "reports": "/admin/reports/report/",
    "reports, status": "/admin/reports/report/?status__exact=received",
    "reports, category and severity": "/admin/reports/report/?category__code__exact=tree&severity__exact=medium",
    "reports, search": "/admin/reports/report/?q=synthetic:77",
    "reports, page 50": "/admin/reports/report/?p=50",
    "review queue": "/admin/reports/reviewitem/",
    "dashboard": "/admin/",
}


def measure(scale: Scale) -> list[Figure]:
    rows = scale.entities or scale.of(ROWS, 20_000)
    started = time.monotonic()
    city.fill(rows)
    seconds = time.monotonic() - started
    loaded = Figure("loading past reports", rows / seconds, "reports/s", None, "", (), f"{rows:,} in {seconds:.0f} s")
    numbers = Report.objects.order_by("id").values_list("id", flat=True)[: min(REVIEWS, rows // 3)]
    wanted = (Wanted(report_id=n, why=Why.values[n % 3], risk=n % 97 / 97) for n in numbers)
    while some := list(itertools.islice(wanted, 1_000)):
        open_items(some)
    data.vacuum("reports_reviewitem")
    with servers.web() as web:
        return [loaded, *filing(scale, web), *pages(scale, web), candidates(scale), *processing(scale)]


def filing(scale: Scale, web: servers.Web) -> list[Figure]:
    """`POST /api/v1/reports/` beside the rows it writes by one statement, behind the same sign-in and middleware."""
    rounds, alone, eight = scale.of(7, 3), scale.of(60, 30), scale.of(200, 60)
    asked = (rounds + 1) * (alone + eight)
    crowd = data.logged_in(data.people(asked // PER_RESIDENT + 8, Role.CLIENT))
    turns = itertools.chain.from_iterable(itertools.repeat(one, PER_RESIDENT) for one in crowd)
    watched = {"web": web.process, **servers.databases()}

    def side(path: str, connections: int, count: int) -> tuple[load.Load, float]:
        requests = list(_forms(path, turns if path == PRODUCT else iter(crowd * 60), count))
        with Cpu(watched) as cpu:
            done = load.run(requests, port=web.port, connections=connections)
        return done, 1000 * cpu.servers() / count

    paths = {"product": PRODUCT, "floor": FLOOR}
    for path in paths.values():
        side(path, 8, alone)
    one = alternate({name: lambda path=path: side(path, 1, alone) for name, path in paths.items()}, rounds=rounds)
    many = alternate({name: lambda path=path: side(path, 8, eight) for name, path in paths.items()}, rounds=rounds)
    p50 = {name: median_of((done for done, _ in found), "p50") for name, found in one.items()}
    p95 = {name: median_of((done for done, _ in found), "p95") for name, found in one.items()}
    per_s = {name: median_of((done for done, _ in found), "per_s") for name, found in many.items()}
    cpu = {name: median([ms for _, ms in found]) for name, found in one.items()}
    floor = "bare rows, same stack"
    return [
        Figure("filing a report, p50", p50["product"], "ms", p50["floor"], floor, (at_most(2, of_floor=True),)),
        Figure("filing a report, p95", p95["product"], "ms", p95["floor"], floor),
        Figure("filing, 8 connections", per_s["product"], "requests/s", per_s["floor"], floor),
        Figure("filing, CPU of the servers", cpu["product"], "ms/request", cpu["floor"], floor),
    ]


def _forms(path: str, turns: Iterator[data.Client], count: int) -> Iterator[bytes]:
    for number, one in enumerate(itertools.islice(turns, count)):
        place = {"latitude": 42.3 + number * 1e-4, "longitude": -71.1, "severity": "medium"}
        yield load.post(path, json.dumps(FILED | place).encode(), token=one.token, address=one.address)


def pages(scale: Scale, web: servers.Web) -> list[Figure]:
    readers = itertools.cycle(data.logged_in(User.objects.filter(role=Role.CLIENT).order_by("id")[:100]))
    [reviewer] = data.logged_in(data.people(1, Role.REVIEWER))
    owner, cookie = next(readers), staff_cookie()
    city.give_to(owner.user.pk, every=50)
    data.vacuum("reports_report")

    watched = {"web": web.process, **servers.databases()}

    def run(make: Any, path: str) -> tuple[load.Load, float]:
        requests = [make(path) for _ in range(scale.of(20, 6))]
        with Cpu(watched) as cpu:
            done = load.run(requests, port=web.port, connections=1)
        return done, 1000 * cpu.servers() / len(requests)

    def api(path: str) -> bytes:
        reader = owner if "/mine" in path else next(readers)
        return load.get(path, token=reader.token, address=reader.address)

    def review(path: str) -> bytes:
        return load.get(path, token=reviewer.token, address=reviewer.address)

    def console(path: str) -> bytes:
        return load.get(path, cookie=cookie)

    chosen = Report.objects.order_by("-id").values_list("id", flat=True)[500]
    sides = {"an empty view, signed in": lambda: run(api, "/api/floor/guarded")}
    sides |= {f"GET {name}": lambda path=path: run(api, path) for name, path in API.items()}
    sides |= {"GET a report": lambda: run(api, f"/api/v1/reports/{chosen}")}
    sides |= {f"GET {name}": lambda path=path: run(review, path) for name, path in REVIEW.items()}
    first = ReviewItem.objects.order_by(*ORDER.fields).values_list("id", "report_id")[20]
    rows = {"a review": f"/admin/reports/reviewitem/{first[0]}/change/"}
    rows |= {"a report": f"/admin/reports/report/{first[1]}/change/"}
    sides |= {f"console, {name}": lambda path=path: run(console, path) for name, path in (CONSOLE | rows).items()}
    for side in sides.values():
        side()
    found = alternate(sides, rounds=scale.of(3, 1))
    return [
        Figure(f"{name}, p95", percentile(ms, 95), "ms", None, "", (at_most(100),),
               f"p50 {percentile(ms, 50):.0f} ms, CPU {median(cpu for _, cpu in done):.0f} ms")
        for name, done in found.items()
        for ms in [[ms for one, _ in done for ms in one.times_ms]]
    ]  # fmt: skip


def candidates(scale: Scale) -> Figure:
    """The search for what a report may be a duplicate of, beside its two SELECTs by themselves."""
    chosen = list(Report.objects.order_by("-id")[: scale.entities or scale.of(ROWS, 20_000) : 97][: scale.of(400, 100)])
    asked = []
    for report in chosen:
        with CaptureQueriesContext(connection) as said:
            find_candidates(report)
        asked.append([one["sql"] for one in said.captured_queries])
    reports, selects = itertools.cycle(chosen), itertools.cycle(asked)

    def select() -> None:
        with connection.cursor() as cursor:
            for query in next(selects):
                cursor.execute(query)
                cursor.fetchall()

    calls = {"product": lambda: find_candidates(next(reports)), "floor": select}
    p50 = p50s(calls, times=len(chosen), rounds=scale.of(5, 3))
    return Figure("find_candidates, p50", p50["product"], "ms", p50["floor"], "its SELECTs", (at_most(5),))


def processing(scale: Scale) -> list[Figure]:
    """New reports of residents, worked off by one and two processes: classified, compared, put before people, told."""
    count, patience_s = scale.of(6_000, 1_500), 300
    residents = list(User.objects.filter(role=Role.CLIENT).order_by("id")[:500])
    arriving = city.arrivals(4 * count, residents)
    filed = {"actor": "user:1", "user_agent": "benchmark", "correlation_id": "0" * 32}

    def file(some: int) -> None:
        new = Report.objects.bulk_create(itertools.islice(arriving, some), batch_size=1_000)
        due = timezone.now() + timedelta(hours=1)
        Waiting.objects.bulk_create([Waiting(report=one, due_at=due, filed=filed) for one in new])

    def wait_for(processes: int) -> None:
        started = time.monotonic()
        while _connections().count(READY) < processes:
            if time.monotonic() - started > patience_s:
                raise RuntimeError("a process does not start")
            time.sleep(0.05)

    def work_off() -> float:
        Waiting.objects.update(due_at=Now())
        started = time.monotonic()
        while Waiting.objects.exists():
            if time.monotonic() - started > patience_s:
                raise RuntimeError(f"still waiting: {Waiting.objects.exclude(error='').values('error').first()}")
            time.sleep(0.05)
        return time.monotonic() - started

    figures = []
    with ExitStack() as stack:
        watched = servers.databases()
        for processes, (name, goals) in enumerate([("1 process", ()), ("2 processes", (at_least(500),))], 1):
            watched[name] = stack.enter_context(servers.started("-m", "benchmarks.processing"))
            wait_for(processes)
            file(count)
            work_off()  # until words and plans are known to all
            file(count)
            with Cpu(watched) as cpu:
                seconds = work_off()
            note = f"CPU {1000 * cpu.servers() / count:.1f} ms a report"
            title = f"new reports worked off, {name}"
            figures.append(Figure(title, count / seconds, "reports/s", None, "", goals, note))
    return figures


def _connections() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE datname = current_database()")
        return [name for (name,) in cursor.fetchall()]
