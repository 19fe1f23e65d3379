"""Invented reports of an invented city on a grid, in the middle of the ocean. Seeded; standard library only.

Sentences are in reports/sentences.py; how often, how fast and how it ends is made up. Some problems are reported by
several residents, near in place and time and in other words: true duplicates, of which some are merged already. No row
is copied from anywhere, and every row says so: its source is "synthetic".
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reports.categories import CATEGORIES
from reports.sentences import ANSWERS, COMMENTS, SENTENCES, SPAM, STREETS, THINGS

SOURCE = "synthetic"
SOUTH, WEST = 40.0, -30.0  # of the grid: open sea
BLOCK_M = 110.0
DEGREE_M = 111_195.0
LONGITUDE_SCALE = 0.766  # cos 40°
HISTORY = timedelta(days=120)
STAYS = timedelta(days=25)
RESIDENTS = 60
AGAIN = 0.12  # share of the problems that others report too
SPAM_SHARE = 0.02
WEIGHTS = {
    "sanitation": 18, "vehicle_parking": 12, "road_surface": 12, "street_light": 10, "tree": 9, "signal_sign": 7,
    "graffiti": 6, "water_sewer": 6, "sidewalk": 5, "noise": 4, "animals_health": 4, "building": 4, "parks": 3,
    "safety_police": 3, "air_quality": 3, "snow_ice": 3, "other": 3,
}  # fmt: skip
SEVERITIES = ["low", "medium", "high", "critical"]
URGENT = {"water_sewer", "signal_sign", "safety_police", "building"}


@dataclass(frozen=True, slots=True)
class Step:
    status: str
    at: datetime
    note: str = ""


@dataclass(slots=True)
class Told:
    """A report as it went. resident: the number of who filed it. same_as: reference of the report that was first."""

    ref: str
    resident: int
    title: str
    description: str
    latitude: float
    longitude: float
    address: str
    category: str
    severity: str
    reported_at: datetime
    same_as: str = ""
    steps: list[Step] = field(default_factory=list)
    confirmed_by: list[int] = field(default_factory=list)
    comments: list[tuple[int, str, datetime]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong at a place, whoever reports it."""

    category: str
    latitude: float
    longitude: float
    spot: str


def generate(*, now: datetime, reports: int = 400, seed: int = 6) -> list[Told]:
    """At least so many reports of the last HISTORY, oldest first; the same seed and moment give the same."""
    chance = random.Random(seed)
    told: list[Told] = []
    while len(told) < reports:
        first = _report(chance, len(told), _problem(chance), now - HISTORY * chance.random() ** 1.5, now)
        told.append(first)
        if first.category == "spam" or chance.random() >= AGAIN:
            continue
        for _ in range(chance.choice([1, 1, 2])):
            again = _again(chance, len(told), first, now)
            if again is not None:
                told.append(again)
    for one in told:
        if one.category == "spam":
            one.category = "other"
    return sorted(told, key=lambda one: one.reported_at)


def _problem(chance: random.Random) -> Problem:
    category = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    street, avenue = chance.randrange(len(STREETS)), chance.randrange(1, 15)
    along = chance.random()
    latitude = SOUTH + (street + chance.gauss(0, 0.02)) * BLOCK_M / DEGREE_M
    longitude = WEST + (avenue + along) * BLOCK_M / DEGREE_M / LONGITUDE_SCALE
    number = 100 * avenue + int(along * 49) * 2
    spot = chance.choice([f"{number} {STREETS[street]} St", f"{STREETS[street]} St and Avenue {avenue}"])
    return Problem(category, latitude, longitude, spot)


def _report(chance: random.Random, number: int, problem: Problem, at: datetime, now: datetime) -> Told:
    if chance.random() < SPAM_SHARE:
        title, description = chance.choice(SPAM)
        told = _told(chance, number, problem, at, title, description)
        told.category = "spam"
        told.steps = _until([Step("rejected", at + timedelta(hours=chance.uniform(1, 20)), "Not a report.")], now)
        return told
    told = _told(chance, number, problem, at, *chance.choice(SENTENCES[problem.category]))
    told.steps = _until(_way(chance, problem.category, at, may_stay=now - at < STAYS), now)
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 4])):
        who = chance.randrange(RESIDENTS)
        if who != told.resident and who not in told.confirmed_by:
            told.confirmed_by.append(who)
    for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
        when = at + timedelta(hours=chance.uniform(1, 72))
        if when < now:
            told.comments.append((chance.randrange(RESIDENTS), chance.choice(COMMENTS), when))
    return told


def _again(chance: random.Random, number: int, first: Told, now: datetime) -> Told | None:
    """The same problem by somebody else, soon after and a few steps away; None if that is still to come."""
    at = first.reported_at + timedelta(hours=chance.expovariate(1 / 30))
    if at >= now:
        return None
    metres = DEGREE_M
    problem = Problem(
        first.category,
        first.latitude + chance.gauss(0, 12) / metres,
        first.longitude + chance.gauss(0, 12) / metres / LONGITUDE_SCALE,
        first.address,
    )
    told = _told(chance, number, problem, at, *chance.choice(SENTENCES[problem.category]))
    told.same_as = first.ref
    if chance.random() < 0.5 or now - at > STAYS:
        told.steps = _until([Step("duplicate", at + timedelta(hours=chance.uniform(2, 40)))], now)
    return told


def _told(chance: random.Random, number: int, problem: Problem, at: datetime, title: str, description: str) -> Told:
    words = {"spot": problem.spot, "thing": chance.choice(THINGS), "days": chance.randrange(2, 9)}
    worse = 1 if problem.category in URGENT else 0
    severity = SEVERITIES[min(3, worse + chance.choices([0, 1, 2], [3, 5, 1])[0])]
    return Told(
        ref=f"{SOURCE}-{number:05d}",
        resident=chance.randrange(RESIDENTS),
        title=title.format(**words),
        description=description.format(**words),
        latitude=round(problem.latitude, 6),
        longitude=round(problem.longitude, 6),
        address=problem.spot,
        category=problem.category,
        severity=severity,
        reported_at=at,
    )


HOURS = {category.code: category.hours for category in CATEGORIES}


def _way(chance: random.Random, category: str, at: datetime, *, may_stay: bool) -> list[Step]:
    """Seen, begun and done; some of the newer ones stay where they are."""
    if may_stay and chance.random() < 0.12:
        return []
    seen = at + timedelta(hours=chance.uniform(0.5, 24))
    begun = seen + timedelta(hours=chance.expovariate(1 / (HOURS[category] / 3)))
    done = begun + timedelta(hours=chance.expovariate(1 / (HOURS[category] / 2)))
    steps = [Step("acknowledged", seen), Step("in_progress", begun, chance.choice(ANSWERS[:2]))]
    return steps if may_stay and chance.random() < 0.08 else [*steps, Step("resolved", done, ANSWERS[2])]


def _until(steps: list[Step], now: datetime) -> list[Step]:
    return [step for step in steps if step.at < now]
