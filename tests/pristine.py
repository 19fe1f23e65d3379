"""The test database as its migrations left it, put back after each test that commits.

Django truncates every table and ships everything anew, which takes longer than most tests. Here the rows that
migrations left are kept in a schema of their own, and only tables that hold something else are touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

SCHEMA = "pristine"


@contextmanager
def put_back_after_each_test() -> Iterator[None]:
    """Replace Django's flush, where the role may step past triggers: the servers of `make test` let it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        allowed = cursor.fetchone()[0]
    if not allowed:
        yield
        return
    shipped = keep()
    flush = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda self: put_back(shipped)
    yield
    TransactionTestCase._fixture_teardown = flush


def keep() -> set[str]:
    """Copy what there is; returns the tables that are not empty."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        found = filled(cursor, tables(cursor))
        for table in found:
            cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS TABLE public."{table}"')
    return found


def put_back(shipped: set[str]) -> None:
    """Make every table what it was. Waits for writers that a killed process left behind."""
    with transaction.atomic(), connection.cursor() as cursor:
        every = tables(cursor)
        cursor.execute("LOCK TABLE " + ", ".join(f'"{table}"' for table in every) + " IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")  # past triggers and foreign keys
        changed = {table for table in shipped if differs(cursor, table)}
        for table in filled(cursor, every) - shipped | changed:
            cursor.execute(f'DELETE FROM "{table}"')
        for table in changed:
            cursor.execute(f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE TABLE {SCHEMA}."{table}"')


def tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        " AND relname <> 'django_migrations' AND NOT relispartition ORDER BY relname"
    )
    return [name for (name,) in cursor.fetchall()]


def filled(cursor: Any, names: list[str]) -> set[str]:
    """The tables that hold rows."""
    cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names))
    return {name for (name,) in cursor.fetchall()}


def differs(cursor: Any, table: str) -> bool:
    one, other = f'TABLE "{table}"', f'TABLE {SCHEMA}."{table}"'
    cursor.execute(f"SELECT EXISTS({one} EXCEPT {other}) OR EXISTS({other} EXCEPT {one})")
    return cursor.fetchone()[0]
