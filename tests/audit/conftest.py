"""A trail to tamper with, by somebody whom no trigger stops."""

import pytest
from django.db import connection, transaction

from audit import services
from audit.models import Entry
from base.context import acting

TABLES = ("audit_entry", "audit_seal")


def write(number: int, **fields) -> list[Entry]:
    with acting(actor="user:7", ip="192.0.2.1", user_agent="tests", correlation_id="c" * 32):
        return [services.log_audit_event("tested", "thing", n, {"n": n, "text": "ž"}, **fields) for n in range(number)]


@pytest.fixture
def by_force(transactional_db):
    """Run statements past the triggers and constraints, as the owner of the tables can."""

    def run(*statements: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return run


@pytest.fixture
def heads_file(settings, tmp_path):
    settings.AUDIT_HEADS = str(tmp_path / "heads.jsonl")
    return tmp_path / "heads.jsonl"
