"""Exact counts without counting: each transaction appends what it adds, readers sum, and a task keeps the rows few.

A count is `events:<entity type>`, `entities:<entity type>` or `values:<feature set id>`.
"""

from __future__ import annotations

from django.db import connection


def add(what: str, n: int) -> None:
    """Part of the caller's transaction, as the rows it counts are."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO features_countdelta (what, n) VALUES (%s, %s)", [what, n])


def read() -> dict[str, int]:
    """Every count that is not empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what, sum(n)::bigint FROM features_countdelta GROUP BY what")
        return dict(cursor.fetchall())


# One statement, so any snapshot holds either the rows that went or the row that replaces them.
COMPACT = """
WITH gone AS (DELETE FROM features_countdelta RETURNING what, n)
INSERT INTO features_countdelta (what, n) SELECT what, sum(n) FROM gone GROUP BY what HAVING sum(n) <> 0
"""


def compact() -> int:
    """One row for each count instead of many; returns how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(COMPACT)
        return cursor.rowcount
