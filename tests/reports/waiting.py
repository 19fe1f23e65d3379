"""A report that waits for a reviewer, with one line."""

from __future__ import annotations

from typing import Any

from reports.classification.models import Classification
from reports.models import Report, ReviewItem
from reports.places import cell_of
from reports.review import work
from tests import makers

PLACE = {"latitude": 42.3601, "longitude": -71.0589}


def report(**fields: Any) -> Report:
    fields = {"title": "Pothole", "description": "A deep hole in the road.", "category_id": "road_surface",
              "department_id": "public_works"} | PLACE | fields  # fmt: skip
    if "reporter" not in fields:
        fields["reporter"] = makers.user()
    return Report.objects.create(cell=cell_of(fields["latitude"], fields["longitude"]), **fields)


def item(why: str = "low_confidence", *, risk: float = 0.5, due_day: str | None = None, **fields: Any) -> ReviewItem:
    """due_day: at noon of a day, for tests of the order."""
    opened = work.open_item(report_id=report(**fields).pk, why=why, risk=risk)
    if due_day:
        ReviewItem.objects.filter(pk=opened).update(due_at=f"{due_day}T12:00:00Z")
    return ReviewItem.objects.get(pk=opened)


def guess(report: Report, category: str = "tree", probability: float = 0.4) -> Classification:
    """What the model said of a report."""
    return Classification.objects.create(
        report=report,
        category_id=category,
        probability=probability,
        runners_up=[["parks", 0.3], ["other", 0.1]],
        words=[["branch", 1.5], ["deep", -0.4]],
        urgency=0.2,
        severity="low",
        chosen=False,
        model_version="tests",
        model_sha256="0" * 64,
    )


def reviewer(*departments: str) -> Any:
    person = makers.user("reviewer")
    person.departments.set(departments)
    return person
