"""The trail over HTTP: who may read it, how entries are found, and that nothing unknown is taken."""

import pytest
from django.db import connection

from audit import services
from audit.models import Entry
from base.context import acting
from tests import makers

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit/"


@pytest.fixture
def auditor():
    return makers.client(makers.user("auditor"))


@pytest.fixture
def doors(auditor):
    with acting(actor="user:7", ip="203.0.113.1", correlation_id="c" * 32):
        made = [services.log_audit_event("door_opened", "door", number, {"n": number}) for number in (1, 2)]
    made.append(services.log_audit_event("door_forced", "door", 1, actor="user:8", status="denied"))
    return made


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"actor": "user:7"}, [1, 0]),
        ({"action": "door_forced"}, [2]),
        ({"target": "door"}, [2, 1, 0]),
        ({"target": "door:1"}, [2, 0]),
        ({"entity_type": "door", "entity_id": "2"}, [1]),
        ({"status": "denied"}, [2]),
        ({"correlation_id": "c" * 32, "actor": "user:7"}, [1, 0]),
        ({"target": "door", "from": "2020-01-01", "to": "2020-12-31"}, []),
        ({"target": "door", "from": "2020-01-01T10:00"}, [2, 1, 0]),
        ({"q": "actor:user:7 target:door:2"}, [1]),
        ({"q": "target:door status:denied from:2020-01-01"}, [2]),
        ({"q": f"correlation:{'c' * 32} target:door"}, [1, 0]),
        ({"q": "door_forced"}, [2]),
        ({"q": "target:door user:8"}, [2]),
        ({"q": "target:door", "actor": "user:8"}, [2]),
        ({"q": "target:window"}, []),
    ],
)
def test_entries_are_found_by_filters_and_by_words(auditor, doors, query, numbers):
    assert ids(auditor.get(URL, query)) == [doors[number].pk for number in numbers]


@pytest.mark.parametrize(
    "query",
    [{"colour": "red"}, {"from": "yesterday"}, {"to": "2026-02-31"}, {"status": "maybe"}, {"q": "status:maybe"},
     {"q": "from:never"}, {"actor": "\x00"}, {"limit": "0"}, {"actor": ""}, {"from": "0001-01-01"}],
)  # fmt: skip
def test_what_is_not_understood_is_refused(auditor, query):
    answer = auditor.get(URL, query)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    [name] = query
    assert answer.json()["errors"][0]["pointer"] == f"#/{name}"


def test_pages_follow_each_other_by_cursor(auditor, doors):
    first = auditor.get(URL, {"target": "door", "limit": 2})
    assert ids(first) == [doors[2].pk, doors[1].pk]
    assert ids(auditor.get(first.json()["next"])) == [doors[0].pk]
    assert auditor.get(URL, {"cursor": "cD1h"}).status_code == 404  # p=a


def test_an_entry_comes_with_its_seal(auditor, doors):
    here = f"{URL}{doors[1].pk}"
    before = auditor.get(here).json()
    assert (before["seal"], before["intact"]) == (None, None)
    services.seal()
    entry = auditor.get(here).json()
    seal = Entry.objects.get(pk=doors[1].pk).seal
    assert entry["seal"]["sequence"] == seal.sequence and entry["seal"]["hash"] == seal.hash
    assert entry["intact"] is True
    assert {name: entry[name] for name in ("action", "actor", "ip", "correlation_id", "metadata")} == {
        "action": "door_opened", "actor": "user:7", "ip": "203.0.113.1",
        "correlation_id": "c" * 32, "metadata": {"n": 2},
    }  # fmt: skip
    assert auditor.get(f"{URL}999999999999").status_code == 404
    assert auditor.get(f"{URL}{10**30}").status_code == 404


def test_the_timeline_of_an_entity_is_in_order(auditor, doors):
    assert ids(auditor.get(f"{URL}entities/door/1")) == [doors[0].pk, doors[2].pk]
    first = auditor.get(f"{URL}entities/door/1", {"limit": 1})
    assert ids(auditor.get(first.json()["next"])) == [doors[2].pk]
    assert auditor.get(f"{URL}entities/door/1", {"actor": "x"}).status_code == 400


@pytest.mark.parametrize("role", ["client", "service", "analyst", "operator", "reviewer"])
def test_nobody_else_reads_the_trail(doors, role):
    reader = makers.client(makers.user(role))
    for path in (URL, f"{URL}{doors[0].pk}", f"{URL}entities/door/1"):
        assert reader.get(path).status_code == 403


def test_reading_leaves_no_entry(auditor, doors):
    before = Entry.objects.count()
    auditor.get(URL)
    auditor.get(f"{URL}{doors[0].pk}")
    assert Entry.objects.count() == before


@pytest.mark.parametrize("condition", ["correlation_id = 'c'", "status = 'denied'"])
def test_rare_things_are_found_by_an_index(condition):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN SELECT * FROM audit_entry WHERE {condition} ORDER BY id DESC LIMIT 50")
        plan = str(cursor.fetchall())
    assert "audit_correlation" in plan or "audit_status" in plan
