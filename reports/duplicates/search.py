"""Find what a report may be a duplicate of: cells around it, exact distances, and the few best looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
# Hundreds of numbers for each report: as they lie in memory they are written and read many times as fast as as text.
NEAR = f"""
SELECT asked.number, string_agg(int8send(r.id), ''), string_agg(float8send(r.latitude), ''),
       string_agg(float8send(r.longitude), ''),
       string_agg(float8send(date_part('epoch', asked.at - r.reported_at) / 86400), ''),
       string_agg(boolsend(coalesce(r.category_id = asked.category, false)), ''),
       string_agg(boolsend(r.closed_at IS NULL OR r.closed_at > asked.at), '')
FROM unnest(%s::int[], %s::text[], %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[], %s::bigint[],
            %s::text[]) AS asked(number, cells, latitude, longitude, east, at, id, category)
CROSS JOIN LATERAL unnest(string_to_array(cells, ' ')) AS cell
CROSS JOIN LATERAL (
  SELECT id, latitude, longitude, reported_at, category_id, closed_at FROM reports_report
  WHERE reports_report.cell = cell.cell AND status <> 'rejected'
    AND reported_at <= asked.at AND reported_at > asked.at - interval '{WINDOW_DAYS:.0f} days'
    AND (reported_at, id) < (asked.at, asked.id)
    AND abs(latitude - asked.latitude) <= {RADIUS_M / METRES_PER_DEGREE:.8f}
    AND abs(longitude - asked.longitude) NOT BETWEEN asked.east AND 360 - asked.east
  OFFSET 0  -- else all years of a cell are read and compared
) r
GROUP BY asked.number
"""  # noqa: S608 - numbers of this package
CLOSER = """
SELECT id, title, description, address, coalesce(category_id, ''), merged_into_id FROM reports_report WHERE id = ANY(%s)
"""


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


@dataclass(frozen=True, slots=True)
class Other:
    """An earlier report that is looked at closely. root: where it went on, itself if it was not merged."""

    says: Sketch
    category: str
    root: int


def find_candidates(report: Report, limit: int = 5) -> list[Candidate]:
    """The likeliest originals of a stored report, as things were when it arrived. Raises ArtifactError."""
    return find_many([report], limit)[report.pk].candidates


def find_many(reports: Sequence[Report], limit: int = 5) -> dict[int, Found]:
    """The same for many reports by two statements. Raises ArtifactError."""
    finder = published.finder()
    near = _near(reports)
    few = [shortlist(one) for one in near]
    others = _others({int(key) for one in few for key in one.keys})
    questions = [
        Question(
            own=sketch(told(report.title, report.description), report.address),
            category=report.category_id or "",
            near=chosen,
            others=[others[key].says for key in chosen.keys.tolist()],
            categories=[others[key].category for key in chosen.keys.tolist()],
            seen=counts(whole),
        )
        for report, whole, chosen in zip(reports, near, few, strict=True)
    ]
    return {
        report.pk: _found(report, question, answer, others, finder, limit)
        for report, question, answer in zip(reports, questions, finder.answer(questions), strict=True)
    }


def told(title: str, description: str) -> str:
    """What is compared: the description; the title is the topic as often as the problem."""
    return description or title


def _near(reports: Sequence[Report]) -> list[Near]:
    """All earlier reports within reach of each."""
    asked = [
        (number, " ".join(cells_touching(one.latitude, one.longitude, RADIUS_M)), one.latitude, one.longitude,
         degrees_east(one.latitude), one.reported_at, one.pk, one.category_id)
        for number, one in enumerate(reports)
    ]  # fmt: skip
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [list(column) for column in zip(*asked, strict=True)])
        columns = {number: found for number, *found in cursor.fetchall()}
    return [_within(one, *columns.get(number, [b""] * 6)) for number, one in enumerate(reports)]


def _within(report: Report, keys: Any, latitudes: Any, longitudes: Any, days: Any, same: Any, still_open: Any) -> Near:
    """Columns as PostgreSQL sends them: big-endian, a byte for a truth."""
    places = (np.frombuffer(column, ">f8").astype(float) for column in (latitudes, longitudes))
    east, north = offsets(report.latitude, report.longitude, *places)
    near = Near(
        keys=np.frombuffer(keys, ">i8").astype(np.int64),
        east=east,
        north=north,
        days=np.frombuffer(days, ">f8").astype(float),
        same=np.frombuffer(same, bool),
        open=np.frombuffer(still_open, bool),
    )
    return near.only(near.metres <= RADIUS_M)


def _others(ids: set[int]) -> dict[int, Other]:
    with connection.cursor() as cursor:
        cursor.execute(CLOSER, [list(ids)])
        return {
            key: Other(sketch(told(title, description), address), category, root or key)
            for key, title, description, address, category, root in cursor.fetchall()
        }


def _found(
    report: Report, question: Question, answer: Answer, others: dict[int, Other], finder: Finder, limit: int
) -> Found:
    """Duplicates of one original speak for it together."""
    metres, days, likely = (values.tolist() for values in (question.near.metres, question.near.days, answer.originals))
    by_root: dict[int, list[int]] = {}
    for place, key in enumerate(question.near.keys.tolist()):
        if (root := others[key].root) != report.pk:
            by_root.setdefault(root, []).append(place)
    candidates = []
    for root, places in by_root.items():
        best = max(places, key=likely.__getitem__)
        together = sum(likely[place] for place in places)
        candidates.append(Candidate(root, together, metres[best], days[best]))
    candidates.sort(key=lambda one: (-one.probability, one.report_id))
    return Found(answer.probability, candidates[:limit], finder.version)
