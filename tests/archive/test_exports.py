"""Exports of the trail: asked for, built by a task, fetched, verified by their reader, and gone in time."""

import csv
import hashlib
import io
import json
import os
import signal
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from archive import building, services
from archive.formats import COLUMNS
from archive.models import Export
from audit.chain import GENESIS
from audit.models import Entry, Seal
from audit.services import log_audit_event, seal
from tasks.errors import TaskCancelled
from tasks.execution import run_task
from tasks.models import Task
from tests import makers
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)  # a task is seen from two connections
URL = "/api/v1/audit/exports"


def ask(client, **body):
    """Ask for an export and let its task run; gives its page."""
    answer = client.post(URL, {"format": "ndjson", **body}, format="json")
    assert answer.status_code == 202, answer.json()
    assert answer["Location"] == f"/api/v1/tasks/{answer.json()['task_id']}"
    run_task(answer.json()["task_id"])
    return client.get(answer.json()["export"]).json()


def content(client, export) -> bytes:
    answer = client.get(export["download"])
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def lines(client, export) -> list[dict]:
    return [json.loads(line) for line in content(client, export).splitlines()]


def doors() -> list[Entry]:
    made = [log_audit_event("door_opened", "door", number, {"n": number, "text": "ž"}) for number in (1, 2)]
    return [*made, log_audit_event("door_forced", "door", 1, actor="user:8", status="denied")]


def test_a_reader_verifies_the_whole_chain_from_the_file_alone(auditor):
    doors()
    export = ask(auditor)
    previous = GENESIS
    for number, line in enumerate(lines(auditor, export), 1):
        found, _ = line.pop("hash"), line.pop("sealed_at")
        canonical = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(canonical.encode()).hexdigest() == found
        assert (line["sequence"], line["previous_hash"]) == (number, previous)
        previous = found
    assert export["manifest"]["chain"] == {"sequence": number, "hash": previous, "whole": True}
    assert number == export["rows"] >= 3


def test_the_file_is_what_the_manifest_says(auditor):
    doors()
    export = ask(auditor, target="door", format="csv", reason="yearly review")
    data = content(auditor, export)
    assert export["manifest"]["file"] == {
        "format": "csv", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()
    }  # fmt: skip
    assert (export["state"], export["progress"], export["rows"], export["reason"]) == (
        "completed", 100, 3, "yearly review"
    )  # fmt: skip
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    assert header == COLUMNS and [row[3] for row in rows] == ["door_opened", "door_opened", "door_forced"]


def test_only_what_was_searched_is_exported(auditor):
    made = doors()
    assert [line["id"] for line in lines(auditor, ask(auditor, q="target:door:1"))] == [made[0].pk, made[2].pk]
    assert [line["id"] for line in lines(auditor, ask(auditor, status="denied"))] == [made[2].pk]
    assert lines(auditor, ask(auditor, actor="nobody")) == []


def test_asking_and_fetching_leave_entries(auditor):
    export = ask(auditor, target="door", reason="why not")
    content(auditor, export)
    requested, downloaded = Entry.objects.filter(entity_type="audit_export", entity_id=export["id"]).order_by("id")
    assert requested.action == "audit_export_requested" and requested.actor.startswith("user:")
    assert requested.metadata == {"format": "ndjson", "filters": {"target": "door"}, "reason": "why not"}
    assert (downloaded.action, downloaded.metadata) == ("audit_export_downloaded", {"sha256": export["sha256"]})


@pytest.mark.parametrize(
    "body", [{"format": "xlsx"}, {}, {"format": "csv", "colour": "red"}, {"format": "csv", "from": "never"},
             {"format": "csv", "q": "status:maybe"}, {"format": "csv", "reason": "x" * 301}]
)  # fmt: skip
def test_what_is_not_understood_is_refused(auditor, body):
    answer = auditor.post(URL, body, format="json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert not Export.objects.exists()


def test_there_is_no_file_before_it_is_built(auditor):
    made = auditor.post(URL, {"format": "csv"}, format="json").json()
    export = auditor.get(made["export"]).json()
    assert (export["state"], export["download"], export["manifest"]) == ("pending", None, None)
    assert auditor.get(f"{made['export']}/download").status_code == 409
    assert [row["id"] for row in auditor.get(URL).json()["results"]] == [made["id"]]


@pytest.mark.parametrize("role", ["client", "service", "analyst", "operator", "reviewer"])
def test_nobody_else_takes_entries_out(auditor, role):
    export, other = ask(auditor), makers.client(makers.user(role))
    assert other.post(URL, {"format": "csv"}, format="json").status_code == 403
    for path in (URL, f"{URL}/{export['id']}", export["download"]):
        assert other.get(path).status_code == 403


def test_files_are_for_nobody_else_on_the_machine(auditor, folder):
    ask(auditor)
    [file] = folder.iterdir()
    assert oct(file.stat().st_mode)[-3:] == "600"


def test_a_cancelled_export_leaves_no_file(auditor, folder, monkeypatch):
    monkeypatch.setattr(building, "STEP", 1)
    doors()
    export = services.request_export(filters={}, format="csv")

    def stop(percent: float, message: str) -> None:
        if percent > 40:
            raise TaskCancelled

    with pytest.raises(TaskCancelled):
        building.build(export, folder, stop)
    assert list(folder.iterdir()) == []


def test_an_export_and_its_file_go_when_their_time_is_over(auditor, folder):
    export = ask(auditor)
    stray = folder / "stray.csv"
    stray.touch()
    os.utime(stray, (0, 0))
    assert services.remove_expired(now=timezone.now() + timedelta(days=6)) == 0
    assert [file.name for file in folder.iterdir()] == [Export.objects.get().path]
    assert services.remove_expired(now=timezone.now() + timedelta(days=8)) == 1
    assert list(folder.iterdir()) == [] and not Export.objects.exists()
    assert auditor.get(f"{URL}/{export['id']}").status_code == 404
    assert Entry.objects.filter(action="audit_export_expired", entity_id=export["id"]).exists()


MANY = """
INSERT INTO audit_entry (action, entity_type, entity_id, actor, status, user_agent, correlation_id, metadata)
SELECT 'tested', 'thing', n, 'user:7', 'success', '', '', jsonb_build_object('n', n) FROM generate_series(1, 40000) n
"""


def test_an_export_killed_half_way_is_made_anew(auditor, folder, processes):
    with connection.cursor() as cursor:
        cursor.execute(MANY)
    while seal():
        pass
    export = services.request_export(filters={"target": "thing"}, format="ndjson")
    place = {"AUDIT_EXPORTS_DIR": str(folder)}
    processes.worker(**place)
    processes.scheduler(**place)

    def half_way():
        return [file for file in folder.glob(f".{export.pk}.*") if file.stat().st_size > 1_000_000]

    [unfinished] = eventually(half_way, log=processes.log)
    os.kill(int(unfinished.name.rpartition(".")[2]), signal.SIGKILL)
    eventually(lambda: Export.objects.filter(finished_at__isnull=False).exists(), within_s=60, log=processes.log)
    task, done = Task.objects.get(pk=export.task_id), Export.objects.get()
    assert (task.attempt, task.crashes, done.rows) == (2, 1, 40_000)
    [file] = folder.iterdir()
    data = file.read_bytes()
    assert file.name == done.path and hashlib.sha256(data).hexdigest() == done.sha256
    numbers = [json.loads(line)["sequence"] for line in data.splitlines()]
    assert numbers == sorted(set(numbers)) and len(numbers) == 40_000
    assert Seal.objects.filter(sequence__in=[numbers[0], numbers[-1]]).count() == 2
