"""Alternating rounds, medians, CPU seconds, and one table with every figure beside its floor."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from django.db import connection

SETTINGS = ("shared_buffers", "work_mem", "jit", "synchronous_commit", "fsync", "max_parallel_workers_per_gather")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure."""

    quick: bool = False
    entities: int | None = None
    rate: int | None = None

    def of(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the figure itself, or on its ratio to the floor."""

    sign: str
    bound: float
    of_floor: bool = False

    def met_by(self, figure: Figure) -> bool:
        value = figure.ratio if self.of_floor else figure.value
        return value is not None and (value <= self.bound if self.sign == "≤" else value >= self.bound)

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{' × floor' if self.of_floor else ''}"


def at_most(bound: float, *, of_floor: bool = False) -> Goal:
    return Goal("≤", bound, of_floor)


def at_least(bound: float, *, of_floor: bool = False) -> Goal:
    return Goal("≥", bound, of_floor)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `cpu` says what it cost in CPU time, or anything else worth a few words."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_name: str = ""
    goals: tuple[Goal, ...] = ()
    cpu: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    def as_dict(self) -> dict[str, Any]:
        met = {str(goal): goal.met_by(self) for goal in self.goals}
        return {**asdict(self), "goals": met, "ratio": self.ratio}


class Cpu:
    """CPU seconds that named processes have used with everything they started, ended children included."""

    def __init__(self, roots: Mapping[str, psutil.Process | Iterable[psutil.Process]]) -> None:
        self.roots = {name: [p] if isinstance(p, psutil.Process) else list(p) for name, p in roots.items()}
        self.used: dict[str, float] = {}

    def __enter__(self) -> Cpu:
        self._before, self._own = self._read(), time.process_time()
        return self

    def __exit__(self, *exc_info: object) -> None:
        now = self._read()
        self.used = {name: now[name] - self._before[name] for name in now} | {"self": time.process_time() - self._own}

    def _read(self) -> dict[str, float]:
        return {name: sum(map(_with_children, roots)) for name, roots in self.roots.items()}

    def servers(self) -> float:
        """Seconds of all but this process."""
        return sum(seconds for name, seconds in self.used.items() if name != "self")


def _with_children(root: psutil.Process) -> float:
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended just now, and its parent's children_* have it
        total += times.user + times.system + times.children_user + times.children_system
    return total


def alternate(sides: Mapping[str, Callable[[], Any]], *, rounds: int) -> dict[str, list[Any]]:
    """Run A B C A B C …, so that what disturbs the machine disturbs all; returns each side's results."""
    found: dict[str, list[Any]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return found


def timed(call: Callable[[], Any], *, times: int) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append((time.perf_counter() - started) * 1000)
    return found


def p50s(calls: Mapping[str, Callable[[], Any]], *, times: int, rounds: int) -> dict[str, float]:
    """Median over alternating rounds of the round's median, in milliseconds; the first call of each is not counted."""
    for call in calls.values():
        call()
    sides = {name: lambda call=call: percentile(timed(call, times=times), 50) for name, call in calls.items()}
    return medians(alternate(sides, rounds=rounds))


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in found.items()}


def median_of(items: Iterable[Any], attribute: str) -> float:
    return statistics.median(getattr(item, attribute) for item in items)


def percentile(values: list[float], percent: int) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(len(ordered) * percent / 100))]


def short(value: float | None) -> str:
    """Three digits that mean something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: list[Figure]) -> str:
    """GitHub's Markdown, aligned for people who read it in a terminal."""
    rows = [["figure", "measured", "unit", "floor", "ratio", "goal", "met", "CPU and remarks"]]
    for figure in figures:
        floor = f"{short(figure.floor)} {figure.floor_name}".strip() if figure.floor is not None else ""
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        goals = ", ".join(map(str, figure.goals))
        met = "" if not figure.goals else "yes" if all(goal.met_by(figure) for goal in figure.goals) else "**no**"
        rows.append([figure.name, short(figure.value), figure.unit, floor, ratio, goals, met, figure.cpu])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows
    )


def environment() -> str:
    """What the figures were measured on."""
    import platform

    import django
    import psycopg2

    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(version(), ' ', 2)")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(SETTINGS)])
        shown = " ".join(f"{name}={value}" for name, value in cursor.fetchall())
    connection.close()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, "
        f"Django {django.__version__}, psycopg2 {psycopg2.__version__.split()[0]}; PostgreSQL {version}: {shown}"
    )
