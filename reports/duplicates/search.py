"""Find what a report may be a duplicate of: cells around it, exact distances, and the few best looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from reports.duplicates import published
from reports.duplicates.finder import Answer, Finder, Question
from reports.duplicates.pairs import (
    METRES_PER_DEGREE,
    RADIUS_M,
    WINDOW_DAYS,
    Near,
    counts,
    degrees_east,
    offsets,
    shortlist,
)
from reports.duplicates.sketch import Sketch, sketch
from reports.models import Report
from reports.places import cells_touching

# One walk of the index for each cell. The box spares most rows the way here; what was rejected is no problem.
NEAR = f"""
SELECT asked.number, array_agg(r.id), array_agg(r.latitude), array_agg(r.longitude),
       array_agg(extract(epoch FROM asked.at - r.reported_at)::float8 / 86400),
       array_agg(coalesce(r.category_id, '')), array_agg((r.closed_at IS NULL OR r.closed_at > asked.at)::int)
FROM unnest(%s::int[], %s::text[], %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[], %s::bigint[])
     AS asked(number, cell, latitude, longitude, east, at, id)
CROSS JOIN LATERAL (
  SELECT id, latitude, longitude, reported_at, category_id, closed_at FROM reports_report
  WHERE cell = asked.cell AND status <> 'rejected'
    AND reported_at <= asked.at AND reported_at > asked.at - interval '{WINDOW_DAYS:.0f} days'
    AND (reported_at, id) < (asked.at, asked.id)
    AND abs(latitude - asked.latitude) <= {RADIUS_M / METRES_PER_DEGREE:.8f}
    AND abs(longitude - asked.longitude) NOT BETWEEN asked.east AND 360 - asked.east
) r
GROUP BY asked.number
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
    asked = [
        (number, cell, one.latitude, one.longitude, degrees_east(one.latitude), one.reported_at, one.pk)
        for number, one in enumerate(reports)
        for cell in cells_touching(one.latitude, one.longitude, RADIUS_M)
    ]
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [list(column) for column in zip(*asked, strict=True)])
        columns = {number: found for number, *found in cursor.fetchall()}
    return [_within(one, *columns.get(number, [[]] * 6)) for number, one in enumerate(reports)]


def _within(
    report: Report,
    keys: list[int],
    latitudes: list[float],
    longitudes: list[float],
    days: list[float],
    categories: list[str],
    still_open: list[int],
) -> tuple[Near, dict[int, str]]:
    east, north = offsets(report.latitude, report.longitude, np.array(latitudes, float), np.array(longitudes, float))
    near = Near(
        keys=np.array(keys, dtype=np.int64),
        east=east,
        north=north,
        days=np.array(days, dtype=float),
        same=np.array([category == report.category_id for category in categories], dtype=bool),
        open=np.array(still_open, dtype=bool),
    )
    return near.only(near.metres <= RADIUS_M), dict(zip(keys, categories, strict=True))


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
    metres, days, likely = (values.tolist() for values in (question.near.metres, question.near.days, answer.originals))
    by_root: dict[int, list[int]] = {}
    for place, key in enumerate(question.near.keys.tolist()):
        if roots[key] != report.pk:
            by_root.setdefault(roots[key], []).append(place)
    candidates = []
    for root, places in by_root.items():
        best = max(places, key=likely.__getitem__)
        together = sum(likely[place] for place in places)
        candidates.append(Candidate(root, together, metres[best], days[best]))
    candidates.sort(key=lambda one: (-one.probability, one.report_id))
    return Found(answer.probability, candidates[:limit], finder.version)
