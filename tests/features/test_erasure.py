"""An erased entity is gone from every table, stays gone, and nothing that happens at the same time brings it back."""

import threading

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.utils import InternalError

from audit.models import Entry
from features import services
from features.definitions import feature_sets
from features.erasure import erase as erasure
from features.erasure import tombstones
from features.intake.ingest import ingest
from features.models import ErasedEntity, FeatureHistory, FeatureValue, KnownEntity, RawEvent, StaleEntity
from features.values import counts
from features.values.materialize import refresh
from tasks.models import Task
from tests import makers
from tests.features.test_marks import elsewhere
from tests.makers import watered

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "the owner asked for it"
SETS = len(feature_sets(entity="plot"))


def erase(plot="a"):
    return erasure.erase_entity(entity_type="plot", entity_id=plot, reason=REASON)


def gone(plot="a"):
    return not any(erasure.proof("plot", plot).values())


def start(work):
    """`work` in another connection; the answer is called for its result."""
    found = []

    def run():
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()

    def result():
        thread.join(20)
        assert found and not isinstance(found[0], BaseException), found
        return found[0]

    return result


def waits_for_a_lock():
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                           "AND datname = current_database()")  # fmt: skip
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("nobody waits")


@pytest.fixture(autouse=True)
def queues(redis):
    """What a commit rings."""


def test_everything_about_the_entity_goes_and_others_stay(db):
    ingest([watered("a"), watered("a"), watered("b")])
    refresh("plot", ["a", "b"])
    ingest([watered("a")])
    before = counts.read()
    assert erasure.proof("plot", "a")["raw_events"] == 3 and erasure.proof("plot", "a")["model_features"] == SETS
    done = erase()
    assert done.rows["raw_events"] == 3 and done.rows["model_features"] == done.rows["model_features_history"] == SETS
    assert done.rows["features_knownentity"] == done.rows["features_staleentity"] == 1
    assert gone("a") and not gone("b")
    assert RawEvent.objects.get().entity_id == "b"
    after = counts.read()
    assert (after["events:plot"], after["entities:plot"]) == (before["events:plot"] - 3, 1)
    assert {n for what, n in after.items() if what.startswith("values:")} == {1}
    assert after["events:plot"] == RawEvent.objects.count()


def test_the_trail_says_what_was_done_without_saying_to_whom(db):
    ingest([watered("somebody-7")])
    erase("somebody-7")
    entry = Entry.objects.get(action="entity_erased")
    assert entry.entity_type == "plot" and entry.entity_id == erase("somebody-7").name
    assert entry.metadata["rows"]["raw_events"] == 1 and entry.metadata["reason"] == REASON
    assert "somebody-7" not in str(list(Entry.objects.values()))


def test_erasing_twice_finds_nothing_and_does_no_harm(db):
    ingest([watered("a")])
    first, second = erase(), erase()
    assert first.name == second.name and not any(second.rows.values())
    assert ErasedEntity.objects.count() == 1 and counts.read().get("events:plot", 0) == 0


def test_an_event_sent_again_is_refused_and_the_others_are_taken(db):
    late = watered("a", source_id="sent-once")
    ingest([late])
    erase()
    done = ingest([watered("b"), late, watered("c"), watered("a")])
    assert (done.accepted, done.added, done.erased, done.known) == (2, 2, [1, 3], [])
    assert gone()


def test_the_same_id_of_another_entity_type_is_another_entity(db):
    assert tombstones.digest("plot", "a") != tombstones.digest("borrower", "a")


@pytest.mark.parametrize("entity_id", ["a", "é", "a\nb", "x" * 100, "'; DROP TABLE raw_events; --", "\\n"])
def test_the_database_hashes_as_python_does(db, entity_id):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {tombstones.HASHED} FROM (SELECT %(type)s::text, %(id)s::text) AS e(entity_type, entity_id)",
            tombstones.pads() | {"type": "plot", "id": entity_id},
        )
        assert bytes(cursor.fetchone()[0]) == tombstones.digest("plot", entity_id)


def test_events_cannot_be_deleted_otherwise_even_after_an_erasure_in_the_same_transaction(db):
    ingest([watered("a"), watered("b")])
    with transaction.atomic():
        erase()
        with pytest.raises(InternalError, match="append_only|Cannot delete"), transaction.atomic():
            RawEvent.objects.filter(entity_id="b").delete()
    assert RawEvent.objects.count() == 1


def test_a_writer_that_has_not_committed_is_waited_for_and_its_event_goes_too():
    with elsewhere(lambda: ingest([watered("a")], refresh=False)):
        done = start(erase)
        waits_for_a_lock()
    assert done().rows["raw_events"] == 1
    assert gone()


def test_a_writer_that_comes_during_an_erasure_is_refused_after_it():
    ingest([watered("a")], refresh=False)
    with elsewhere(erase):
        done = start(lambda: ingest([watered("a")], refresh=False))
        waits_for_a_lock()
    assert done().erased == [0]
    assert gone()


def test_the_first_erasure_of_all_is_seen_by_a_writer_that_waited_for_it():
    with elsewhere(erase):
        done = start(lambda: ingest([watered("a"), watered("b")], refresh=False))
        waits_for_a_lock()
    assert done().erased == [0] and KnownEntity.objects.get().entity_id == "b"


def test_a_planned_statement_sees_the_erasure_it_waited_for():
    begin = threading.Event()

    def writer():
        ingest([watered("b")], refresh=False, seldom=True)  # planned from here on
        assert begin.wait(20)
        return ingest([watered("a")], refresh=False, seldom=True)

    done = start(writer)
    with elsewhere(erase):
        begin.set()
        waits_for_a_lock()
    assert done().erased == [0] and gone()


def test_a_refresh_that_runs_is_waited_for_and_its_values_go_too():
    ingest([watered("a")], refresh=False)
    with elsewhere(lambda: refresh("plot", ["a"])):
        done = start(erase)
        waits_for_a_lock()
    assert done().rows["model_features"] == SETS
    assert gone()


def test_a_refresh_that_comes_during_an_erasure_stores_nothing():
    ingest([watered("a")], refresh=False)
    with elsewhere(erase):
        done = start(lambda: refresh("plot", ["a"]))
        waits_for_a_lock()
    assert done().entities == 0
    assert gone() and not FeatureValue.objects.exists() and not FeatureHistory.objects.exists()


def test_a_writer_that_never_ends_makes_the_erasure_give_up_whole(monkeypatch):
    monkeypatch.setattr(erasure, "LOCK_WAIT", "200ms")
    ingest([watered("a")], refresh=False)
    with elsewhere(lambda: ingest([watered("a")], refresh=False)), pytest.raises(erasure.Busy):
        erase()
    assert RawEvent.objects.count() == 2 and not ErasedEntity.objects.exists()


def test_writers_refreshes_and_an_erasure_together_leave_nothing_of_it():
    stop = threading.Event()

    def write():
        while not stop.is_set():
            ingest([watered(plot) for plot in "abc"], refresh=False)

    def compute():
        while not stop.is_set():
            refresh("plot", ["a", "b", "c"], skip_locked=True)

    ingest([watered("a")], refresh=False)
    started = [start(write), start(compute)]
    for _ in range(5):
        erase()
    stop.set()
    for result in started:
        result()
    assert gone()
    refresh("plot", ["a", "b", "c"])
    assert gone() and not StaleEntity.objects.exists()
    assert RawEvent.objects.count() == counts.read()["events:plot"]


def test_tasks_about_the_entity_lose_its_id_and_live_ones_are_cancelled(db):
    from tasks.execution import run_task

    ask = {"entity_type": "plot", "entity_id": "a", "feature_set": "plot_care", "feature_version": "v1"}
    ingest([watered("a")], refresh=False)
    ended = services.request_features(**ask)
    run_task(ended)
    waiting = services.request_features(**ask)
    done = erase()
    assert done.rows["tasks_task"] == 2 and gone()
    assert Task.objects.get(pk=waiting).status == "cancelled"
    row = Task.objects.get(pk=ended)
    assert (row.subject_id, row.kwargs, row.result) == (done.name, {}, None) and row.result_dropped_at


def test_tasks_that_list_ids_lose_the_one(db):
    from features import tasks

    both = tasks.store_served.enqueue(entity_type="plot", entity_ids=["a", "b"]).id
    assert erasure.proof("plot", "a")["tasks_task"] == 1
    erase()
    assert gone() and Task.objects.get(pk=both).kwargs["entity_ids"] == ["b"]


def test_exported_files_are_rewritten_by_a_task_that_knows_no_id(db, settings, tmp_path):
    pytest.importorskip("pyarrow")
    from features.offline import reader
    from features.offline.export import export_events
    from tasks.testing import run_due

    settings.EXPORT_URL = str(tmp_path / "offline")
    ingest([watered("plot-77"), watered("b")], refresh=False)
    assert list(export_events())
    done, task_id = services.erase_entity(entity_type="plot", entity_id="plot-77", reason=REASON)
    assert done.waits and erasure.proof("plot", "plot-77")["features_erasedentity"] == 1
    assert Task.objects.get(pk=task_id).kwargs == {"tombstone": done.tombstone}
    run_due()
    assert Task.objects.get(pk=task_id).result == {"files": 1}
    assert gone("plot-77") and reader.events("plot").column("entity_id").to_pylist() == ["b"]
    assert "plot-77" not in str(list(Entry.objects.values()))


# Over HTTP and from the command line


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def test_an_operator_erases_and_proves_it(operator):
    ingest([watered("a")])
    address = "/api/v1/features/entities/plot/a"
    answer = operator.delete(address, headers={"X-Reason": REASON})
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body["rows"]["raw_events"] == 1 and body["name"].startswith("erased:") and body["task_id"] is None
    proof = operator.get(f"{address}/proof").json()
    assert proof["erased"] is True and set(proof["rows"].values()) == {0}
    assert {"raw_events", "model_features", "model_features_history", "features_staleentity"} <= set(proof["rows"])


def test_erasing_asks_for_a_reason_and_a_known_type(operator):
    assert operator.delete("/api/v1/features/entities/plot/a").status_code == 400
    assert operator.delete("/api/v1/features/entities/dragon/a", headers={"X-Reason": "x"}).status_code == 404


def test_an_event_of_an_erased_entity_is_rejected_with_its_reason(operator):
    erase()
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "garden.watered", "subject": "a",
             "data": {"litres": "1"}}  # fmt: skip
    body = operator.post("/api/v1/events/", [event, event | {"id": "2", "subject": "b"}], format="json").json()
    assert (body["accepted"], body["rejected"]) == (1, 1)
    [verdict] = body["verdicts"]
    assert (verdict["index"], verdict["verdict"]) == (0, "rejected")
    assert verdict["errors"][0]["pointer"] == "#/0/subject" and "erased" in verdict["errors"][0]["detail"]


def test_the_command_erases_and_prints_the_proof(capsys):
    ingest([watered("a")])
    call_command("erase_entity", "plot", "a", "--reason", REASON)
    out = capsys.readouterr().out
    assert "raw_events: 1 erased, 0 left" in out and gone()
