"""Merging, erasing, verifying and sweeping files, while each event stays in exactly one."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pgtrigger
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.models.functions import Now

from audit.models import Entry
from features import tasks
from features.intake.ingest import ingest
from features.models import RawEvent
from features.offline import compaction, export, reader
from features.offline.erasure import erase
from features.offline.manifest import TakenByAnother
from features.offline.models import Export, ExportedFile
from features.offline.upkeep import sweep, tidy
from features.offline.verification import verify
from tasks.models import Task
from tasks.testing import run_due
from tests.features.offline import assert_exact, folder, live, parquet_files
from tests.features.offline import export as export_now
from tests.makers import harvested, watered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


def exports(count: int, *, plots: str = "ab") -> None:
    """So many exports of one event for each plot."""
    for _ in range(count):
        ingest([watered(plot) for plot in plots], refresh=False)
        export_now()


def compact(**options) -> list[tuple[int, int]]:
    return list(compaction.compact(**options))


def delete_events(entity_id: str) -> None:
    with pgtrigger.ignore("features.RawEvent:append_only"):
        RawEvent.objects.filter(entity_id=entity_id).delete()


def test_small_files_are_merged_when_there_are_enough_of_them():
    exports(7)
    assert compact() == []
    exports(1)
    before = reader.events("plot").sort_by("id")
    assert compact() == [(8, 1)]
    [row] = live()
    assert row.rows == 16 and row.last_id == Export.objects.first().last_id
    assert reader.events("plot").sort_by("id").equals(before)
    assert_exact()


def test_a_merged_file_waits_for_others_of_its_size():
    exports(8)
    compact()
    exports(7)
    assert compact() == [] and len(live()) == 1 + 7
    exports(1)
    assert compact() == [(8, 1)] and len(live()) == 2
    assert compact(fully=True) == [(2, 1)]
    assert_exact()


def test_a_file_has_a_most(monkeypatch):
    from features.offline import files

    monkeypatch.setattr(files, "MAX_ROWS", 4)
    monkeypatch.setattr(files, "GROUP_ROWS", 2)
    exports(5)
    compact(fully=True)
    assert sorted(row.rows for row in live()) == [2, 4, 4]
    assert_exact()


def test_replaced_files_stay_for_those_who_read_them_and_then_go(monkeypatch):
    exports(8)
    old = parquet_files()
    compact()
    assert tidy().replaced == 0 and old < parquet_files()
    ExportedFile.objects.exclude(replaced_at=None).update(remove_at=Now())
    assert tidy().replaced == 8
    assert parquet_files() == {row.path for row in live()} == {row.path for row in ExportedFile.objects.all()}


def test_exporting_merging_and_sweeping_at_once_keep_every_event():
    done = threading.Event()

    def repeat(work) -> None:
        try:
            while not done.is_set():
                work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(repeat, work) for work in (export_now, lambda: compact(fully=True), tidy)]
        for _ in range(30):
            ingest([watered("a"), harvested("b")], refresh=False)
        done.set()
        for work in running:
            work.result()
    export_now()
    tidy()
    assert_exact()
    assert json.loads((folder() / "manifest.json").read_text())["totals"]["rows"] == 60


def test_an_erased_entity_is_in_no_file_any_more():
    exports(8, plots="abc")
    compact()
    exports(2, plots="bcc")
    with transaction.atomic():
        delete_events("c")
        erased = erase("plot", "c")
    assert erased.rows == 8 + 4
    for path in parquet_files():
        assert "c" not in pq.read_table(folder() / path, partitioning=None)["entity_id"].to_pylist()
    assert "c" not in reader.events("plot")["entity_id"].unique().to_pylist()
    assert parquet_files() == {row.path for row in ExportedFile.objects.all()}
    assert Entry.objects.filter(action="offline_entity_erased", entity_id="c").exists()
    assert_exact()
    assert erase("plot", "c").files == 0


def test_an_entity_that_was_alone_in_a_file_takes_the_file_along():
    exports(1, plots="c")
    exports(1, plots="a")
    delete_events("c")
    erase("plot", "c")
    assert len(live()) == len(parquet_files()) == 1
    assert_exact()


def test_an_erasure_that_is_rolled_back_changes_nothing():
    exports(2)
    before = parquet_files()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        delete_events("a")
        erase("plot", "a")
        _ = 1 / 0
    assert before < parquet_files()
    tidy()
    assert parquet_files() == before
    assert_exact()


def test_an_export_that_runs_beside_an_erasure_does_not_bring_the_entity_back():
    """The export would see the events until the deletion commits; it has to wait until then."""
    ingest([watered("a"), watered("c")], refresh=False)
    erased, exported = threading.Event(), threading.Event()
    order = []

    def exporting() -> None:
        assert erased.wait(10)
        export._write, write = (lambda *args: (order.append("export"), write(*args))[1]), export._write
        try:
            export_now(patience_s=10)
        finally:
            export._write = write
            exported.set()
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(exporting)
        with transaction.atomic():
            delete_events("c")
            erase("plot", "c")
            erased.set()
            assert not exported.wait(0.5)
            order.append("commit")
        result.result()
    assert order == ["commit", "export"]
    assert reader.events("plot")["entity_id"].to_pylist() == ["a"]
    assert_exact()


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_verify_names_a_file_that_is_not_what_was_written(damage):
    exports(2)
    path = folder() / live()[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:-1])
    problems = verify().problems
    assert live()[0].path in problems[0]
    assert "in the database and in no file" in problems[1]
    with pytest.raises(CommandError):
        call_command("export_events", "--verify")


def test_verify_names_events_that_are_missing_doubled_or_too_many():
    exports(3, plots="abc")
    first, second, third = live()
    ExportedFile.objects.filter(pk=first.pk).update(replaced_at=Now(), remove_at=Now())
    double = ExportedFile.objects.get(pk=second.pk)
    double.pk, double.path = None, "events/copy.parquet"
    (folder() / double.path).write_bytes((folder() / second.path).read_bytes())
    double.save()
    with pgtrigger.ignore("features.RawEvent:append_only"):
        RawEvent.objects.filter(id=third.last_id).delete()
    problems = verify().problems
    assert any(problem.startswith("3 events in more than one file") for problem in problems)
    assert any(problem.startswith("3 events in the database and in no file") for problem in problems)
    assert any(problem.startswith("1 events in a file and not in the database") for problem in problems)


def test_a_copy_of_the_database_does_not_sweep_away_the_files_of_the_original():
    exports(1)
    tidy()
    manifest = folder() / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"database": "1/2"}))
    for work in (export_now, tidy, sweep):
        with pytest.raises(TakenByAnother):
            work()
    assert parquet_files()


def test_the_command_exports_merges_verifies_and_begins_again(capsys):
    exports(3)
    ingest([watered("c")], refresh=False)
    assert report(capsys, "--dry-run")["events"] == 1
    done = report(capsys, "--compact")
    assert (done["events"], done["merged"], done["totals"]["files"]) == (1, 4, 1)
    assert report(capsys, "--verify") == {
        "files": 1, "rows": 7, "through_id": done["exported_through"]["last_id"], "problems": []
    }  # fmt: skip
    again = report(capsys, "--full")
    assert again["events"] == 7 and again["totals"]["rows"] == 7
    assert_exact()
    assert Entry.objects.filter(action="events_exported").count() == 2


def test_beginning_again_with_the_same_files_keeps_them():
    """A file of the same events has the same name: it must count again, and not be swept away as the old one."""
    exports(1)
    before = parquet_files()
    call_command("export_events", "--full", "--json")
    ExportedFile.objects.exclude(replaced_at=None).update(remove_at=Now())
    tidy()
    assert parquet_files() == before
    assert_exact()


def report(capsys, *options: str) -> dict:
    capsys.readouterr()
    call_command("export_events", "--json", *options)
    return json.loads(capsys.readouterr().out)


def test_the_task_exports_merges_and_shows_how_far_it_is(redis):
    exports(7)
    ingest([watered("a"), watered("b")], refresh=False)
    task_id = tasks.export_events.enqueue().id
    run_due()
    task = Task.objects.get(pk=task_id)
    assert task.status == "completed", task.error_message
    assert task.result == {"events": 2, "files": 1, "merged": 8, "removed": 0}
    assert str(Export.objects.first().task_id) == str(live()[0].task_id) == task_id
    assert (folder() / "manifest.json").exists()
    assert_exact()


def test_the_task_says_what_is_missing(redis, settings):
    settings.EXPORT_URL = ""
    task_id = tasks.export_events.enqueue().id
    run_due()
    task = Task.objects.get(pk=task_id)
    assert task.status == "failed" and task.attempt == 1 and "EXPORT_URL" in task.error_message


def test_a_task_that_lost_its_lease_exports_nothing(redis, monkeypatch):
    ingest([watered("a")], refresh=False)
    task_id = tasks.export_events.enqueue().id
    monkeypatch.setattr("tasks.store.fence", lambda claim: False)
    run_due()
    assert not Export.objects.exists() and Task.objects.get(pk=task_id).status == "processing"
