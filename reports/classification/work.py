"""Give reports their categories: the model's guess kept as a row, the sure ones set, the others put before a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set

from django.db import connection

from reports.classification.models import Classification, Correction
from reports.classification.serving import Guess, classify, text_of
from reports.models import Category, Report
from reports.review.models import Why
from reports.review.work import Wanted, open_items

WEIGHT = {
    Report.Severity.LOW: 0.1,
    Report.Severity.MEDIUM: 0.3,
    Report.Severity.HIGH: 0.6,
    Report.Severity.CRITICAL: 1.0,
}
GUESSED = {
    "report_id": "bigint",
    "category_id": "text",
    "probability": "float8",
    "runners_up": "jsonb",
    "words": "jsonb",
    "urgency": "float8",
    "severity": "text",
    "chosen": "bool",
    "model_version": "text",
    "model_sha256": "text",
}
KEEP = f"""
WITH said AS (
  SELECT * FROM jsonb_to_recordset(%s) AS said({", ".join(f"{name} {kind}" for name, kind in GUESSED.items())})
), kept AS (
  INSERT INTO reports_classification ({", ".join(GUESSED)}) SELECT {", ".join(GUESSED)} FROM said
)
UPDATE reports_report report SET category_id = category.code, department_id = category.department_id
FROM said JOIN reports_category category ON category.code = said.category_id
WHERE said.chosen AND report.id = said.report_id
RETURNING report.id, report.category_id, report.department_id
"""  # noqa: S608 - our own names


def classify_reports(reports: Sequence[Report]) -> None:
    """Classify stored reports that the caller has locked, and bring the rows given up to date.

    A category that a person gave stays. Raises ArtifactError.
    """
    guesses = classify([text_of(one.title, one.description) for one in reports])
    offered = set(Category.objects.filter(is_active=True).values_list("code", flat=True))
    open_to_model = {one.pk for one in reports if one.category_id is None} | _set_by_model(reports)
    chosen = {
        report.pk
        for report, guess in zip(reports, guesses, strict=True)
        if guess.sure and guess.category in offered and report.pk in open_to_model
    }
    _keep(reports, guesses, chosen)
    open_items(
        wanted
        for report, guess in zip(reports, guesses, strict=True)
        for wanted in _wanted(report, guess, chosen=report.pk in chosen, given=report.pk not in open_to_model)
    )


def _keep(reports: Sequence[Report], guesses: Sequence[Guess], chosen: Set[int]) -> None:
    """What was said of each, and the categories of those chosen, by one statement."""
    rows = [
        {
            "report_id": report.pk,
            "category_id": guess.category,
            "probability": guess.probability,
            "runners_up": guess.runners_up,
            "words": [(word, round(worth, 3)) for word, worth in guess.words],
            "urgency": guess.urgency,
            "severity": guess.severity,
            "chosen": report.pk in chosen,
            "model_version": guess.version,
            "model_sha256": guess.sha256,
        }
        for report, guess in zip(reports, guesses, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [json.dumps(rows)])
        given = {key: rest for key, *rest in cursor.fetchall()}
    for report in reports:
        if report.pk in given:
            report.category_id, report.department_id = given[report.pk]


def _set_by_model(reports: Sequence[Report]) -> set[int]:
    """Those whose category is what the model had set, and nobody has looked at since."""
    given = [one.pk for one in reports if one.category_id]
    if not given:
        return set()
    said = Classification.objects.filter(report__in=given).order_by("report_id", "-id").distinct("report_id")
    mine = {one.report_id: one.category_id for one in said if one.chosen}
    same = {one.pk for one in reports if one.category_id == mine.get(one.pk, "")}
    return same - set(Correction.objects.filter(report__in=same).values_list("report_id", flat=True))


def _wanted(report: Report, guess: Guess, *, chosen: bool, given: bool) -> Iterator[Wanted]:
    """What a person should look at: an unsure guess, a sure one against what a resident said, a critical report."""
    risk = (WEIGHT[Report.Severity(report.severity)] + guess.urgency) / 2
    if (guess.sure and guess.category != report.category_id) if given else not chosen:
        said = {"category": guess.category, "probability": guess.probability, "model": guess.version}
        yield Wanted(report_id=report.pk, why=Why.LOW_CONFIDENCE, risk=risk, details=said)
    if report.severity == Report.Severity.CRITICAL:
        yield Wanted(report_id=report.pk, why=Why.URGENT, risk=max(risk, 0.9), details={"severity": report.severity})
