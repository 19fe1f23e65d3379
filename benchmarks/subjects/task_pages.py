"""Looking at tasks over HTTP: one of them beside an empty view; lists, statistics and console with a million rows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from statistics import median

from django.conf import settings

from accounts.models import User
from base.roles import Role
from benchmarks import data, load, many_tasks, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_most, median_of
from tasks.models import Task

READERS = 200  # each asks less often than its throttle would allow, so the throttle's lists stay as short as in use
ONE, EMPTY = "/api/v1/tasks/{}", "/api/floor/guarded"
API = {
    "the list": "/api/v1/tasks/",
    "the list, failed": "/api/v1/tasks/?status=failed",
    "the list, one name": "/api/v1/tasks/?name=features.refresh_stale",
    "the list, one queue": "/api/v1/tasks/?queue=low",
    "statistics": "/api/v1/tasks/stats",
}
CONSOLE = {
    "dashboard": "/admin/",
    "tasks": "/admin/tasks/task/",
    "failed tasks": "/admin/tasks/task/?state=failed",
    "tasks of a name": "/admin/tasks/task/?name=features.refresh_stale",
}


def measure(scale: Scale) -> list[Figure]:
    rows = scale.of(1_000_000, 50_000)
    [owner] = data.people(1, Role.CLIENT)
    many_tasks.ended(rows, user_id=owner.pk)
    many_tasks.waiting(rows // 100)
    readers = data.logged_in(data.people(READERS, Role.ANALYST))
    with servers.web() as web:
        return [*one(scale, web, readers), *pages(scale, web, readers, rows)]


def one(scale: Scale, web: servers.Web, readers: list[data.Client]) -> list[Figure]:
    """`GET /api/v1/tasks/{id}` beside a view that answers {} behind the same sign-in, role, throttle and renderer."""
    chosen, turns = random.Random(1999), itertools.cycle(readers)
    newest = list(Task.objects.order_by("-id").values_list("pk", flat=True)[:5_000])
    watched = {"web": web.process, **servers.databases()}

    def ask(path: str) -> bytes:
        reader = next(turns)
        return load.get(path.format(chosen.choice(newest)), token=reader.token, address=reader.address)

    def side(path: str, connections: int, count: int) -> tuple[load.Load, float]:
        requests = [ask(path) for _ in range(count)]
        with Cpu(watched) as cpu:
            done = load.run(requests, port=web.port, connections=connections)
        return done, 1000 * cpu.servers() / count

    paths = {"task": ONE, "empty": EMPTY}
    for path in paths.values():
        side(path, 8, 80)
    rounds, count = scale.of(25, 7), scale.of(100, 40)  # short turns: a busy moment then hits both
    alone = alternate({name: lambda path=path: side(path, 1, count) for name, path in paths.items()}, rounds=rounds)
    eight = alternate({name: lambda path=path: side(path, 8, count) for name, path in paths.items()}, rounds=rounds)
    p50 = {name: median_of((done for done, _ in found), "p50") for name, found in alone.items()}
    per_s = {name: median_of((done for done, _ in found), "per_s") for name, found in eight.items()}
    cpu = {name: median([ms for _, ms in found]) for name, found in eight.items()}
    floor, goal = "empty view, as guarded", (at_most(1.5, of_floor=True),)
    return [
        Figure("GET one task, p50, 1 connection", p50["task"], "ms", p50["empty"], floor, goal),
        Figure("GET one task, 8 connections", per_s["task"], "requests/s", per_s["empty"], floor),
        Figure("GET one task, CPU of the servers", cpu["task"], "ms/request", cpu["empty"], floor),
    ]  # fmt: skip


def pages(scale: Scale, web: servers.Web, readers: list[data.Client], rows: int) -> list[Figure]:
    turns, cookie = itertools.cycle(readers), staff_cookie()

    def api(path: str) -> bytes:
        reader = next(turns)
        return load.get(path, token=reader.token, address=reader.address)

    def p50(make: Callable[[str], bytes], path: str) -> load.Load:
        return load.run([make(path) for _ in range(scale.of(20, 5))], port=web.port, connections=1)

    sides = {f"GET {name}": lambda path=path: p50(api, path) for name, path in API.items()}
    sides |= {
        f"console, {name}": lambda path=path: p50(lambda path: load.get(path, cookie=cookie), path)
        for name, path in CONSOLE.items()
    }
    for side in sides.values():
        side()
    found = alternate(sides, rounds=scale.of(5, 2))
    goal = (at_most(100),)
    return [
        Figure(f"{name}, {rows:,} tasks, p50", median_of(done, "p50"), "ms", None, "", goal,
               f"slowest {max(max(one.times_ms) for one in done):.0f} ms")
        for name, done in found.items()
    ]  # fmt: skip


def staff_cookie() -> str:
    """A signed-in administrator's browser."""
    from django.test import Client

    boss = User.objects.create_superuser("synthetic-boss")
    browser = Client()
    browser.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
