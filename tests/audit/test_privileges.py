"""Where roles are split, the application's role can add to the trail and read it, and nothing else."""

import uuid

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import services
from audit.checks import check_roles
from audit.models import Entry, Seal
from audit.privileges import may_change_the_trail
from tests.audit.conftest import write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def role(monkeypatch):
    """A role for the application, as `grant_application` makes it; gives its name and its address."""
    name, password = f"app_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    monkeypatch.setenv("APPLICATION_PASSWORD", password)
    call_command("grant_application", name)
    monkeypatch.delenv("APPLICATION_PASSWORD")
    database = connection.settings_dict
    yield name, f"postgres://{name}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    with connection.cursor() as cursor:
        for things in ("ALL TABLES IN SCHEMA public", "ALL SEQUENCES IN SCHEMA public", "SCHEMA public",
                       f"DATABASE {database['NAME']}"):  # fmt: skip
            cursor.execute(f"REVOKE ALL ON {things} FROM {name}")
        cursor.execute(f"DROP ROLE {name}")


def run(address: str, statement: str) -> list:
    session = psycopg2.connect(address)
    try:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        session.close()


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE {table} SET {column} = 'x'",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "DROP TABLE {table} CASCADE",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} DISABLE TRIGGER USER",
        "ALTER TABLE {table} RENAME TO gone",
        "ALTER TABLE {table} ADD COLUMN x int",
        "ALTER TABLE {table} OWNER TO CURRENT_USER",
        "DROP TRIGGER {trigger} ON {table}",
        "CREATE TRIGGER x BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE x AS ON INSERT TO {table} DO INSTEAD NOTHING",
        "SELECT * FROM {table} FOR UPDATE",
        "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET {column} = 'x'",
        "CREATE INDEX x ON {table} ({key})",
        "GRANT UPDATE ON {table} TO CURRENT_USER; UPDATE {table} SET {column} = 'x'",
        "DROP SCHEMA public CASCADE",
        "ALTER SCHEMA public RENAME TO gone",
        "CREATE TABLE public.{table}_new (x int)",
        "DROP FUNCTION {function}() CASCADE",
        "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "CREATE ROLE another",
        "DROP DATABASE {database}",
        "DELETE FROM django_migrations",
    ],
)
def test_the_application_cannot_touch_the_trail(role, table, attempt):
    write(2)
    services.seal()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        owner, database = cursor.fetchone()
        cursor.execute("SELECT tgname, proname FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid = "
                       "%s::regclass AND NOT tgisinternal", [table])  # fmt: skip
        trigger, function = cursor.fetchall()[0]
    statement = attempt.format(
        table=table, trigger=trigger, function=function, owner=owner, database=database,
        column={"audit_entry": "action", "audit_seal": "hash"}[table],
        key={"audit_entry": "id", "audit_seal": "sequence"}[table],
    )  # fmt: skip
    before = list(Entry.objects.values().order_by("id")), list(Seal.objects.values().order_by("sequence"))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege) as refused:
        run(role[1], statement)
    assert "append-only" not in str(refused.value), "the triggers are not even asked"
    assert before == (list(Entry.objects.values().order_by("id")), list(Seal.objects.values().order_by("sequence")))


def test_it_may_add_and_read(role):
    run(role[1], "INSERT INTO audit_entry (action, entity_type, entity_id, actor, status, user_agent, correlation_id, "
                 "metadata) VALUES ('a', 't', '1', 'x', 'success', '', '', '{}')")  # fmt: skip
    assert run(role[1], "SELECT action FROM audit_entry") == [("a",)]


def test_it_sees_when_transactions_of_the_owner_began(role):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = cursor.fetchone()[0]
        assert run(role[1], f"SELECT xact_start IS NULL FROM pg_stat_activity WHERE pid = {session}") == [(False,)]


def test_a_role_that_could_change_the_trail_anyway_is_refused(role):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    with pytest.raises(CommandError):
        call_command("grant_application", owner)
    group = f"{role[0]}_group"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE ROLE {group}; GRANT {group} TO {role[0]}; GRANT UPDATE (action) ON audit_entry TO {group}"
        )
    try:
        with pytest.raises(CommandError, match="may too much"):
            call_command("grant_application", role[0])
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"REVOKE ALL ON audit_entry FROM {group}; DROP ROLE {group}")
    with pytest.raises(CommandError, match="There is no role"):
        call_command("grant_application", "nobody_of_that_name")


def test_a_deployment_as_the_owner_is_warned(role):
    assert [warning.id for warning in check_roles(databases=["default"])] == ["audit.W001"]
    assert check_roles(databases=[]) == [] and not may_change_the_trail(role[0])
