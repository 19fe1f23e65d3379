"""A borrower locked; a request, its decision and its work item stored by one statement. Both stay planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, JSONField, Model

from base import statements
from loans.models import Borrower, CreditDecision, LoanRequest, ReviewItem

BORROWER = [str(field.column) for field in Borrower._meta.concrete_fields]
LOCK = f"SELECT {', '.join(BORROWER)} FROM loans_borrower WHERE user_id = $1::bigint FOR UPDATE"  # noqa: S608 - columns


def lock_borrower(user: Any) -> Borrower:
    """The user's borrower profile, made on the first request. Locked, so velocity limits hold under concurrency."""
    if (found := _locked(user)) is None:
        Borrower.objects.bulk_create([Borrower(user=user)], ignore_conflicts=True)
        found = _locked(user)
    if found is None:
        raise Borrower.DoesNotExist
    return found


def _locked(user: Any) -> Borrower | None:
    with connection.cursor() as cursor:
        statements.execute(cursor, LOCK, [user.pk])
        row = cursor.fetchone()
    return Borrower.from_db(connection.alias, BORROWER, row) if row else None


def store_decided(request: LoanRequest, decision: CreditDecision, review: ReviewItem | None = None) -> None:
    """Insert rows that belong together; `decision` and `review` need not name the request yet."""
    rows: list[Model] = [request, decision] if review is None else [request, decision, review]
    models = tuple(type(row) for row in rows)
    values = [_value(row, field) for row in rows for field in _given(type(row))]
    with connection.cursor() as cursor:
        statements.execute(cursor, ("store", *models), values, lambda: _storing(models))
        request.id, request.created_at, decision.id, decision.created_at = cursor.fetchone()
    decision.loan_request = request


def _value(row: Model, field: Field) -> Any:
    value = getattr(row, field.attname)
    return json.dumps(value) if isinstance(field, JSONField) else value


def _storing(models: Sequence[type[Model]]) -> str:
    """The first row's id goes into the others."""
    inserts, place = [], 1
    for number, model in enumerate(models):
        names = [str(field.column) for field in _given(model)]
        kinds = [str(field.db_type(connection)).partition("(")[0] for field in _given(model)]
        places = [f"${place + n}::{kind}" for n, kind in enumerate(kinds)]
        place += len(places)
        if number:
            names, places = [*names, "loan_request_id"], [*places, "(SELECT id FROM row_0)"]
        into = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({', '.join(places)})"  # noqa: S608 - our own names
        inserts.append(f"row_{number} AS ({into} RETURNING id{', created_at' if number < 2 else ''})")
    return f"WITH {', '.join(inserts)} SELECT row_0.*, row_1.* FROM row_0, row_1"  # noqa: S608 - our own names


@cache
def _given(model: type[Model]) -> list[Field]:
    """Without what the database gives by itself, and without the request."""
    return [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key or field.has_db_default() or field.name == "loan_request")
    ]
