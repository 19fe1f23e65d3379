"""What the application's own database role may do: everything it needs, and to the trail nothing but add and read.

The role that owns the tables migrates, and nothing else; so who has got hold of the application has not got hold of
the trail. Triggers refuse changes to everybody; only an owner can switch them off.
"""

from __future__ import annotations

from typing import Any

from django.db import ProgrammingError, connection, transaction
from psycopg2 import sql

TRAIL = ("audit_entry", "audit_seal")
TOO_MUCH = "UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"

GRANTS = """
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA public TO {role};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
REVOKE ALL ON audit_entry, audit_seal, django_migrations FROM {role}, PUBLIC;
GRANT SELECT, INSERT ON audit_entry, audit_seal TO {role};
GRANT SELECT ON django_migrations TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
"""
LOGIN = "ALTER ROLE {role} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {password}"
POWERS = """
SELECT r.rolsuper OR pg_has_role(r.oid, c.relowner, 'MEMBER') OR pg_has_role(r.oid, d.datdba, 'MEMBER')
  OR has_schema_privilege(r.oid, c.relnamespace, 'CREATE') OR has_table_privilege(r.oid, c.oid, %(too_much)s)
  OR has_any_column_privilege(r.oid, c.oid, 'UPDATE, REFERENCES')
FROM pg_roles r, pg_class c, pg_database d
WHERE r.rolname = %(role)s AND c.oid = ANY (%(trail)s::regclass[]) AND d.datname = current_database()
"""


class CannotSplit(Exception):
    """The role could still change the trail, or there is no such role."""


@transaction.atomic
def grant_application(*, role: str, password: str = "") -> None:
    """Let a role run the application; with a password, make it if need be. Idempotent; run it after each migrate.

    Raises CannotSplit where the role could change the trail by other rights: of an owner, a superuser, a group.
    """
    with connection.cursor() as cursor:
        if password:
            _make(cursor, role, password)
        if not _exists(cursor, role):
            raise CannotSplit(f"There is no role {role}.")
        names = {"role": sql.Identifier(role), "database": sql.Identifier(connection.settings_dict["NAME"])}
        cursor.execute(sql.SQL(GRANTS).format(**names))
        if may_change_the_trail(role):
            raise CannotSplit(
                f"{role} owns the trail, the schema or the database, is a superuser, or may too much by another role."
            )


def let_see_transactions(role: str) -> bool:
    """Let a role see when transactions of other roles began, which exports of events wait for.

    False where this owner may not grant that; a superuser may.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_has_role(%s, 'pg_read_all_stats', 'USAGE')", [role])
            if not cursor.fetchone()[0]:
                cursor.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(sql.Identifier(role)))
    except ProgrammingError:
        return False
    return True


def may_change_the_trail(role: str = "") -> bool:
    """Whether a role, or the one that is connected, could change or drop the trail or switch its triggers off."""
    with connection.cursor() as cursor:
        if not role:
            cursor.execute("SELECT current_user")
            role = cursor.fetchone()[0]
        cursor.execute(POWERS, {"role": role, "trail": list(TRAIL), "too_much": TOO_MUCH})
        return any(powerful for (powerful,) in cursor.fetchall())


def _exists(cursor: Any, role: str) -> bool:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None


def _make(cursor: Any, role: str, password: str) -> None:
    if not _exists(cursor, role):
        cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    cursor.execute(sql.SQL(LOGIN).format(role=sql.Identifier(role), password=sql.Literal(password)))
