"""A request, its decision and its work item, stored by one statement: a round trip costs more than the rows."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

from loans.models import CreditDecision, LoanRequest, ReviewItem

STORE = """
WITH request AS ({request} RETURNING id, created_at),
decision AS ({decision} RETURNING id, created_at){review}
SELECT request.id, request.created_at, decision.id, decision.created_at FROM request, decision
"""


def store_decided(request: LoanRequest, decision: CreditDecision, review: ReviewItem | None = None) -> None:
    """Insert rows that belong together; `decision` and `review` need not name the request yet."""
    values: list[Any] = []
    parts = {"request": _insert(request, values), "decision": _insert(decision, values), "review": ""}
    if review is not None:
        parts["review"] = ", review AS (" + _insert(review, values) + ")"
    with connection.cursor() as cursor:
        cursor.execute(STORE.format(**parts), values)
        request.id, request.created_at, decision.id, decision.created_at = cursor.fetchone()
    decision.loan_request = request


def _insert(row: Model, values: list[Any]) -> str:
    """The row as an INSERT; what the database gives by itself is left to it. Its values are added to `values`."""
    names: list[str] = []
    places: list[str] = []
    for field in row._meta.concrete_fields:
        column = str(field.column)
        if field.name == "loan_request":
            names.append(column)
            places.append("(SELECT id FROM request)")
            continue
        value = getattr(row, field.attname)
        if isinstance(value, DatabaseDefault) or (field.primary_key and value is None):
            continue
        names.append(column)
        places.append("%s")
        values.append(field.get_db_prep_save(value, connection))
    return f"INSERT INTO {row._meta.db_table} ({', '.join(names)}) VALUES ({', '.join(places)})"  # noqa: S608 - our own names
