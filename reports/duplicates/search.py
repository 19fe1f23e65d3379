"""Find what a report may be a duplicate of: cells around it, exact distances, and the few best looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from reports.duplicates import published
from reports.duplicates.finder import Answer, Finder, Question
from reports.duplicates.pairs import METRES_PER_DEGREE, RADIUS_M, WINDOW_DAYS, Near, counts, offsets, shortlist
from reports.duplicates.sketch import Sketch, sketch
from reports.models import Report
from reports.places import cells_around

# One walk of the index for each cell; the box spares most rows the way here. What was rejected is no problem.
NEAR = f"""
SELECT asked.number, r.id, r.latitude, r.longitude,
       extract(epoch FROM asked.at - r.reported_at)::float8 / 86400,
       r.category_id, r.closed_at IS NULL OR r.closed_at > asked.at
FROM unnest(%s::int[], %s::text[], %s::float8[], %s::float8[], %s::timestamptz[], %s::bigint[])
     AS asked(number, cell, latitude, longitude, at, id)
CROSS JOIN LATERAL (
  SELECT id, latitude, longitude, reported_at, category_id, closed_at FROM reports_report
  WHERE cell = asked.cell AND status <> 'rejected'
    AND reported_at <= asked.at AND reported_at > asked.at - interval '{WINDOW_DAYS:.0f} days'
    AND (reported_at, id) < (asked.at, asked.id)
    AND latitude BETWEEN asked.latitude - {RADIUS_M / METRES_PER_DEGREE:.8f}
                     AND asked.latitude + {RADIUS_M / METRES_PER_DEGREE:.8f}
) r
"""  # noqa: S608 - numbers of this package
CLOSER = "SELECT id, title, description, address, merged_into_id FROM reports_report WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier report that goes on by itself, and how likely the report is its duplicate.

    distance_m, days: from the place and the arrival of what is nearest to the report among it and its duplicates.
    """

    report_id: int
    probability: float
    distance_m: float
    days: float


@dataclass(frozen=True, slots=True)
class Found:
    """probability: that the report is a duplicate at all. candidates: likeliest first."""

    probability: float
    candidates: list[Candidate]
    model_version: str


def find_candidates(report: Report, limit: int = 5) -> list[Candidate]:
    """The likeliest originals of a stored report, as things were when it arrived."""
    return find_many([report], limit)[report.pk].candidates


def find_many(reports: Sequence[Report], limit: int = 5) -> dict[int, Found]:
    """The same for many reports by two statements."""
    finder = published.finder()
    near = _near(reports)
    few = [(shortlist(one), categories) for one, categories in near]
    texts = _texts({int(key) for one, _ in few for key in one.keys})
    questions = [
        Question(
            own=sketch(told(report.title, report.description), report.address),
            category=report.category_id or "",
            near=chosen,
            others=[texts[int(key)][0] for key in chosen.keys],
            categories=[categories[int(key)] for key in chosen.keys],
            seen=counts(whole),
        )
        for report, (whole, _), (chosen, categories) in zip(reports, near, few, strict=True)
    ]
    roots = {key: root or key for key, (_, root) in texts.items()}
    return {
        report.pk: _found(report, question, answer, roots, finder, limit)
        for report, question, answer in zip(reports, questions, finder.answer(questions), strict=True)
    }


def told(title: str, description: str) -> str:
    """What is compared: the description; the title is the topic as often as the problem."""
    return description or title


def _near(reports: Sequence[Report]) -> list[tuple[Near, dict[int, str]]]:
    """All earlier reports within reach of each, with the categories of all of them by id."""
    cells = [cells_around(one.latitude, one.longitude, RADIUS_M) for one in reports]
    asked = [
        (number, cell, one.latitude, one.longitude, one.reported_at, one.pk)
        for number, (one, around) in enumerate(zip(reports, cells, strict=True))
        for cell in around
    ]
    rows: list[list[Any]] = [[] for _ in reports]
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [list(column) for column in zip(*asked, strict=True)] if asked else [[]] * 6)
        for number, *row in cursor.fetchall():
            rows[number].append(row)
    return [_within(one, found) for one, found in zip(reports, rows, strict=True)]


def _within(report: Report, rows: list[Any]) -> tuple[Near, dict[int, str]]:
    keys, latitudes, longitudes, days, categories, still_open = zip(*rows, strict=True) if rows else ((),) * 6
    east, north = offsets(report.latitude, report.longitude, np.array(latitudes, float), np.array(longitudes, float))
    own = report.category_id
    near = Near(
        keys=np.array(keys, dtype=np.int64),
        east=east,
        north=north,
        days=np.array(days, dtype=float),
        same=np.array([category == own for category in categories], dtype=bool),
        open=np.array(still_open, dtype=bool),
    )
    known = {key: category or "" for key, category in zip(keys, categories, strict=True)}
    return near.only(near.metres <= RADIUS_M), known


def _texts(ids: set[int]) -> dict[int, tuple[Sketch, int | None]]:
    """Of each report what it says, and where it went on if it was merged."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSER, [list(ids)])
        return {
            key: (sketch(told(title, description), address), root)
            for key, title, description, address, root in cursor.fetchall()
        }


def _found(
    report: Report, question: Question, answer: Answer, roots: dict[int, int], finder: Finder, limit: int
) -> Found:
    """Duplicates of one original speak for it together."""
    metres = question.near.metres
    by_root: dict[int, list[int]] = {}
    for place, key in enumerate(question.near.keys):
        root = roots[int(key)]
        if root != report.pk:
            by_root.setdefault(root, []).append(place)
    candidates = []
    for root, places in by_root.items():
        best = max(places, key=lambda place: answer.originals[place])
        together = float(answer.originals[places].sum())
        candidates.append(Candidate(root, together, float(metres[best]), float(question.near.days[best])))
    candidates.sort(key=lambda one: (-one.probability, one.report_id))
    return Found(answer.probability, candidates[:limit], finder.version)
