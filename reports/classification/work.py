"""Give reports their categories: the model's guess kept as a row, the sure ones set, the others put before a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
SET = """
UPDATE reports_report report SET category_id = category.code, department_id = category.department_id
FROM unnest(%s::bigint[], %s::text[]) AS said(id, code) JOIN reports_category category ON category.code = said.code
WHERE report.id = said.id
RETURNING report.id, report.department_id
"""


def classify_reports(reports: Sequence[Report]) -> list[Classification]:
    """Classify stored reports that the caller has locked, and bring the rows given up to date.

    A category that a person gave stays. Raises ArtifactError.
    """
    guesses = classify([text_of(one.title, one.description) for one in reports])
    offered = set(Category.objects.filter(is_active=True).values_list("code", flat=True))
    open_to_model = {one.pk for one in reports if one.category_id is None} | _set_by_model(reports)
    rows = [
        _row(report, guess, chosen=guess.sure and guess.category in offered and report.pk in open_to_model)
        for report, guess in zip(reports, guesses, strict=True)
    ]
    Classification.objects.bulk_create(rows)
    _set_categories(reports, rows)
    open_items(
        wanted
        for report, guess, row in zip(reports, guesses, rows, strict=True)
        for wanted in _wanted(report, guess, row, given=report.pk not in open_to_model)
    )
    return rows


def _row(report: Report, guess: Guess, *, chosen: bool) -> Classification:
    return Classification(
        report=report,
        category_id=guess.category,
        probability=guess.probability,
        runners_up=guess.runners_up,
        words=[[word, round(worth, 3)] for word, worth in guess.words],
        urgency=guess.urgency,
        severity=guess.severity,
        chosen=chosen,
        model_version=guess.version,
        model_sha256=guess.sha256,
    )


def _set_by_model(reports: Sequence[Report]) -> set[int]:
    """Those whose category is what the model had set, and nobody has looked at since."""
    given = [one.pk for one in reports if one.category_id]
    if not given:
        return set()
    said = Classification.objects.filter(report__in=given).order_by("report_id", "-id").distinct("report_id")
    mine = {one.report_id: one.category_id for one in said if one.chosen}
    same = {one.pk for one in reports if one.category_id == mine.get(one.pk, "")}
    return same - set(Correction.objects.filter(report__in=same).values_list("report_id", flat=True))


def _set_categories(reports: Sequence[Report], rows: Sequence[Classification]) -> None:
    chosen = {row.report_id: row.category_id for row in rows if row.chosen}
    if not chosen:
        return
    with connection.cursor() as cursor:
        cursor.execute(SET, [list(chosen), list(chosen.values())])
        departments = dict(cursor.fetchall())
    for report in reports:
        if report.pk in chosen:
            report.category_id, report.department_id = chosen[report.pk], departments[report.pk]


def _wanted(report: Report, guess: Guess, row: Classification, *, given: bool) -> Iterator[Wanted]:
    """What a person should look at: an unsure guess, a sure one against what a resident said, a critical report."""
    risk = (WEIGHT[Report.Severity(report.severity)] + guess.urgency) / 2
    if (guess.sure and guess.category != report.category_id) if given else not row.chosen:
        said = {"category": guess.category, "probability": guess.probability, "model": guess.version}
        yield Wanted(report_id=report.pk, why=Why.LOW_CONFIDENCE, risk=risk, details=said)
    if report.severity == Report.Severity.CRITICAL:
        yield Wanted(report_id=report.pk, why=Why.URGENT, risk=max(risk, 0.9), details={"severity": report.severity})
