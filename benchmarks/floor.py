"""The least a loan request or a report can cost: one SELECT, and one statement that writes every row of a real one."""

from __future__ import annotations

import functools
import uuid
from typing import Any

from django.db import connection, models

from audit.models import Entry
from features.models import CountDelta, RawEvent, StaleEntity
from loans.models import LoanRequest, ReviewItem
from tasks.models import Task

READ = "SELECT feature_set_id, as_of, vals::text FROM model_features WHERE feature_set_id = ANY(%s) AND entity_id = %s"


REPORT = """
WITH report AS (
  INSERT INTO reports_report (reporter_id, title, description, latitude, longitude, cell, address, severity, status,
    source, confirmations_count, comments_count)
  VALUES (%s, %s, %s, %s, %s, '892a306602bffff', '', 'medium', 'received', 'api', 0, 0) RETURNING id, reporter_id
), step AS (
  INSERT INTO reports_statuschange (report_id, from_status, to_status, by_id, note, is_public)
  SELECT id, '', 'received', reporter_id, '', true FROM report
), waits AS (
  INSERT INTO reports_waiting (report_id, attempts, error) SELECT id, 0, '' FROM report
)
SELECT id FROM report
"""


def read_features(cursor: Any, borrower_id: str) -> list[Any]:
    """All sets of a borrower at once."""
    cursor.execute(READ, [_set_ids(), borrower_id])
    return cursor.fetchall()


def write_rows(cursor: Any, borrower_id: str) -> str:
    """Request, decision, two events with their mark and count, two audit entries and task, the size of real ones.

    A review item too where the first request has one. Returns the request's id.
    """
    statement, values = _statement()
    values = [borrower_id if value is BORROWER else str(uuid.uuid4()) if value is KEY else value for value in values]
    cursor.execute(statement, values)
    return cursor.fetchone()[0]


BORROWER, KEY = object(), object()


@functools.cache
def _set_ids() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM features_featuresetversion ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


@functools.cache
def _statement() -> tuple[str, list[Any]]:
    """The statement and its values, those of the first request, a real one; BORROWER and KEY stand for what changes."""
    request = LoanRequest.objects.order_by("created_at").first()
    if request is None:
        raise RuntimeError("ask for a real loan first")
    about = str(request.pk)
    decided, triggered = Entry.objects.filter(entity_id=about).order_by("id")
    task = Task.objects.get(pk=triggered.metadata["task_id"])
    asked, verdict = RawEvent.objects.filter(source_id__contains=about).order_by("id")
    mark = StaleEntity.objects.filter(entity_id=asked.entity_id).earliest("id")
    count = CountDelta.objects.filter(what="events:borrower", n=2).earliest("id")
    values: list[Any] = []
    parts = [
        ("request", _insert(request, values, {"borrower_id": BORROWER}), "RETURNING id"),
        ("decision", _insert(request.decisions.get(), values, {}, request_id="loan_request_id"), ""),
        ("asked", _insert(asked, values, {"entity_id": BORROWER, "source_id": KEY}), ""),
        ("verdict", _insert(verdict, values, {"entity_id": BORROWER, "source_id": KEY}), ""),
        ("mark", _insert(mark, values, {"entity_id": BORROWER}), ""),
        ("count", _insert(count, values, {}), ""),
        ("decided", _insert(decided, values, {}, request_id="entity_id"), ""),
        ("triggered", _insert(triggered, values, {}, request_id="entity_id"), ""),
        ("task", _insert(task, values, {"coalesce_key": KEY, "subject_id": BORROWER}), ""),
    ]
    if (review := ReviewItem.objects.filter(loan_request=request).first()) is not None:
        parts.append(("review", _insert(review, values, {}, request_id="loan_request_id"), ""))
    ctes = ", ".join(f"{name} AS ({insert} {returning})" for name, insert, returning in parts)
    return f"WITH {ctes} SELECT id::text FROM request", values


def _insert(row: models.Model, values: list[Any], replaced: dict[str, Any], request_id: str = "") -> str:
    """INSERT … SELECT of a row's columns but for those the database fills in; its values are added to `values`."""
    columns, expressions = [], []
    for field in row._meta.concrete_fields:
        if field.primary_key or field.has_db_default():
            continue
        columns.append(field.column)
        kind = field.db_type(connection)
        if field.column == request_id:
            expressions.append(f"request.id::{kind}")
            continue
        expressions.append(f"%s::{kind}")
        value = replaced.get(field.column) or getattr(row, field.attname)
        values.append(value if value in (BORROWER, KEY) else field.get_db_prep_save(value, connection))
    source = " FROM request" if request_id else ""
    return f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(expressions)}{source}"
