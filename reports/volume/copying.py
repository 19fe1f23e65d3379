"""Store many past reports at once: rows numbered beforehand and copied straight into their tables."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from reports.models import Report, Waiting
from reports.places import cell_of
from reports.volume.sets import PastReport

TITLE, ADDRESS, NOTE = 200, 300, 1000  # characters that the rows hold
LOCK = 3_110_001  # loads take turns, batch by batch
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

REPORT = (
    "id, title, description, latitude, longitude, cell, address, category_id, department_id, severity, status, source, "
    "external_ref, confirmations_count, comments_count, reported_at, updated_at, closed_at"
)
CHANGE = "report_id, from_status, to_status, note, is_public, at"


@transaction.atomic
def store(batch: Sequence[PastReport], departments: dict[str, str], *, classify: bool = False) -> int:
    """Add those that are not there, with their history. Returns how many.

    departments: of each category. classify: they wait for the classifier.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        fresh = _unknown(batch)
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('reports_report', 'id')) FROM generate_series(1, %s)", [len(fresh)]
        )
        numbered = list(zip((number for (number,) in cursor.fetchall()), fresh, strict=True))
        reports = (_report(number, one, departments[one.category]) for number, one in numbered)
        changes = (change for number, one in numbered for change in _history(number, one))
        cursor.copy_expert(f"COPY reports_report ({REPORT}) FROM STDIN", _lines(reports))
        cursor.copy_expert(f"COPY reports_statuschange ({CHANGE}) FROM STDIN", _lines(changes))
    if classify:
        Waiting.objects.bulk_create([Waiting(report_id=number) for number, _ in numbered])
    return len(numbered)


def _unknown(batch: Sequence[PastReport]) -> list[PastReport]:
    by_ref = {one.external_ref: one for one in batch}  # a set may hold a report twice
    known = set(Report.objects.filter(external_ref__in=by_ref).values_list("external_ref", flat=True))
    return [one for ref, one in by_ref.items() if ref not in known]


def _report(number: int, one: PastReport, department: str) -> tuple[Any, ...]:
    return (
        number,
        one.title[:TITLE],
        one.description,
        one.latitude,
        one.longitude,
        cell_of(one.latitude, one.longitude),
        one.address[:ADDRESS],
        one.category,
        department,
        Report.Severity.MEDIUM,
        one.status,
        Report.Source.IMPORTED,
        one.external_ref,
        one.confirmations,
        0,
        one.reported_at,
        one.updated_at,
        one.updated_at if one.status == Report.Status.RESOLVED else None,
    )


def _history(number: int, one: PastReport) -> Iterable[tuple[Any, ...]]:
    yield number, "", Report.Status.RECEIVED, "", True, one.reported_at
    if one.status != Report.Status.RECEIVED:
        yield number, Report.Status.RECEIVED, one.status, one.note[:NOTE], True, one.updated_at


def _lines(rows: Iterable[tuple[Any, ...]]) -> io.StringIO:
    """The text format of COPY."""
    lines = ("\t".join("\\N" if value is None else str(value).translate(ESCAPED) for value in row) for row in rows)
    return io.StringIO("".join(line + "\n" for line in lines))
