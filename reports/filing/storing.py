"""A report with its first step, its place in the queue and its tallies by one statement: a round trip costs more."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection

from base import statements
from reports.filing.limits import TAKE, Asked, refuse_unless_all
from reports.models import Report

COLUMNS = {
    "reporter_id": "bigint",
    "title": "text",
    "description": "text",
    "latitude": "float8",
    "longitude": "float8",
    "cell": "text",
    "address": "text",
    "category_id": "text",
    "department_id": "text",
    "severity": "text",
    "status": "text",
    "source": "text",
    "external_ref": "text",
    "confirmations_count": "int",
    "comments_count": "int",
    "ip": "inet",
}
GIVEN = 4  # parameters before those of the report
STORE = f"""
WITH taken AS ({TAKE.format(action="'file'", whom="$1", span="$2", most="$3")}),
report AS (
  INSERT INTO reports_report ({", ".join(COLUMNS)})
  SELECT {", ".join(f"${n}::{kind}" for n, kind in enumerate(COLUMNS.values(), GIVEN + 1))}
  WHERE (SELECT count(*) FROM taken) = cardinality($1::text[])
  RETURNING id, reporter_id, status, reported_at, updated_at
), step AS (
  INSERT INTO reports_statuschange (report_id, from_status, to_status, by_id, note, is_public)
  SELECT id, '', status, reporter_id, '', true FROM report
), waits AS (
  INSERT INTO reports_waiting (report_id, attempts, error, filed) SELECT id, 0, '', $4::jsonb FROM report
)
SELECT ARRAY(SELECT span FROM taken), report.id, report.reported_at, report.updated_at
FROM (VALUES (1)) AS always LEFT JOIN report ON true
"""  # noqa: S608 - constants of our own


def store_filed(report: Report, asked: Asked, *, filed: dict[str, Any]) -> None:
    """Insert a report with all that goes with it. Raises TooOften, which must undo it.

    filed: what the trail will say of it, kept until it is told.
    """
    values = [*asked, orjson.dumps(filed).decode(), *(getattr(report, name) for name in COLUMNS)]
    with connection.cursor() as cursor:
        statements.execute(cursor, STORE, values)
        taken, report.id, report.reported_at, report.updated_at = cursor.fetchone()
    refuse_unless_all(asked, taken)
    report._state.adding = False
