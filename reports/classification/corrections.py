"""What reviewers decided, kept to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from reports.classification.models import Classification, Correction
from reports.classification.serving import text_of
from reports.models import Report


@dataclass(frozen=True, slots=True)
class Corrected:
    """A text with the category a person gave it, and whose text it is: several of one reporter are one voice."""

    text: str
    category: str
    reporter: str


def record(*, report: Report, category: str, by: Any) -> Correction:
    """Keep what a reviewer says a report is about, beside what the model had said. Writes no other row.

    category: a code. Agreement is worth keeping too.
    """
    said = Classification.objects.filter(report=report).first()
    return Correction.objects.create(
        report=report,
        category_id=category,
        suggested_id=said.category_id if said else None,
        model_version=said.model_version if said else "",
        by=by,
    )


LATEST = """
SELECT DISTINCT ON (correction.report_id) report.title, report.description, correction.category_id,
  COALESCE(report.reporter_id::text, 'report ' || report.id)
FROM reports_correction correction JOIN reports_report report ON report.id = correction.report_id
ORDER BY correction.report_id, correction.id DESC
"""


def rows() -> Iterator[Corrected]:
    """The last word on each report that a reviewer has decided."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST)
        for title, description, category, reporter in cursor.fetchall():
            yield Corrected(text_of(title, description), category, reporter)
