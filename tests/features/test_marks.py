"""Marks of stale entities: writers never wait for one another or for a refresh, and no event is ever forgotten."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from features.catalogue import set_id
from features.definitions import feature_sets
from features.intake.ingest import ingest
from features.models import KnownEntity, RawEvent, StaleEntity
from features.serving.stored import stored
from features.values import counts
from features.values.coverage import totals, waiting_entities
from features.values.materialize import refresh
from tests.garden.features import PlotCare
from tests.makers import watered

pytestmark = pytest.mark.django_db(transaction=True)


def marks():
    return list(StaleEntity.objects.order_by("id").values_list("entity_id", "events"))


@contextmanager
def elsewhere(work, *, then="commit"):
    """Another connection has done `work` and keeps its transaction open until the block ends."""
    done, go_on, errors = threading.Event(), threading.Event(), []

    def run():
        try:
            with transaction.atomic():
                work()
                done.set()
                assert go_on.wait(20)
                transaction.set_rollback(then == "rollback")
        except BaseException as error:
            errors.append(error)
            done.set()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert done.wait(20) and not errors, errors
    try:
        yield
    finally:
        go_on.set()
        thread.join(20)
    assert not errors, errors


@pytest.fixture(autouse=True)
def nobody_waits(redis):
    """Whoever waited for a lock here would fail instead of hanging."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_events_of_an_entity_share_a_mark():
    first = watered(days_ago=3)
    ingest([first, watered(days_ago=1), watered("b")], refresh=False)
    ingest([watered(days_ago=9), first], refresh=False)
    assert sorted(marks()) == [("a", 3), ("b", 1)]
    mark, oldest = StaleEntity.objects.get(entity_id="a"), RawEvent.objects.filter(entity_id="a").earliest("id")
    assert mark.earliest == watered(days_ago=9).event_time and mark.latest == watered(days_ago=1).event_time
    assert mark.from_event_id == oldest.id


def test_events_that_come_seldom_have_marks_of_their_own_and_are_counted_once():
    first = watered(days_ago=3)
    ingest([first, watered()], refresh=False, seldom=True)
    again = ingest([watered(), first], refresh=False, seldom=True)
    assert (again.added, again.known, marks()) == (1, [1], [("a", 2), ("a", 1)])
    assert totals() == {"total_events": 3, "unprocessed_events": 3}
    assert refresh("plot", ["a"]).events == 3 and marks() == []


@pytest.mark.parametrize(("then", "left"), [("commit", [("a", 1), ("a", 1)]), ("rollback", [("a", 1)])])
def test_two_writers_of_one_entity_make_a_mark_each(then, left):
    KnownEntity.objects.create(entity_type="plot", entity_id="a")  # only what makes an entity known is waited for
    with elsewhere(lambda: ingest([watered()], refresh=False), then=then):
        ingest([watered()], refresh=False)
        assert marks() == [("a", 1)]
    assert marks() == left
    assert totals() == {"total_events": len(left), "unprocessed_events": len(left)}


@pytest.mark.parametrize(("then", "events"), [("commit", [2, 1]), ("rollback", [1, 1])])
def test_a_writer_passes_a_mark_that_another_adds_to(then, events):
    ingest([watered()], refresh=False)
    with elsewhere(lambda: ingest([watered()], refresh=False), then=then):
        ingest([watered()], refresh=False)
    assert [number for _, number in marks()] == events


@pytest.mark.parametrize(("then", "counted"), [("commit", 3), ("rollback", 2)])
def test_a_refresh_leaves_the_mark_that_a_writer_adds_to(then, counted):
    ingest([watered()], refresh=False)
    with elsewhere(lambda: ingest([watered()], refresh=False), then=then):
        assert refresh("plot", ["a"]).events == 0
        ingest([watered()], refresh=False)
        assert waiting_entities("plot", limit=5) == ["a"]
    done = refresh("plot", ["a"])
    assert done.events == counted and marks() == []
    assert stored(PlotCare, ["a"])["a"].values()["events"] == counted


@pytest.mark.parametrize(("then", "waiting"), [("commit", [("a", 1)]), ("rollback", [("a", 1), ("a", 1)])])
def test_a_writer_passes_a_mark_that_a_refresh_removes(then, waiting):
    ingest([watered()], refresh=False)
    with elsewhere(lambda: refresh("plot", ["a"]), then=then):
        ingest([watered()], refresh=False)
    assert marks() == waiting
    refresh("plot", ["a"])
    assert marks() == [] and stored(PlotCare, ["a"])["a"].values()["events"] == 2


def test_an_event_ahead_of_the_clock_waits_for_its_time():
    ahead = timezone.now() + timedelta(seconds=1)
    ingest([watered(), watered(now=ahead)], refresh=False)
    assert sorted(events for _, events in marks()) == [1, 1]
    assert refresh("plot", ["a"]).events == 1
    assert waiting_entities("plot", limit=5) == [] and totals()["unprocessed_events"] == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.1)")
    assert waiting_entities("plot", limit=5) == ["a"] and refresh("plot", ["a"]).events == 1


def test_counts_are_exact_while_others_write_and_roll_back():
    ingest([watered("a"), watered("b")], refresh=False)
    with elsewhere(lambda: ingest([watered("c")], refresh=False), then="rollback"):
        ingest([watered("d")], refresh=False)
        assert counts.read() == {"events:plot": 3, "entities:plot": 3}
    with elsewhere(lambda: refresh("plot", ["a", "b"])):
        assert not [what for what in counts.read() if what.startswith("values")]
    refresh("plot", ["a", "d"])
    values = {f"values:{set_id(feature_set)}": 3 for feature_set in feature_sets(entity="plot")}
    assert counts.read() == {"events:plot": 3, "entities:plot": 3} | values
    assert counts.read()["events:plot"] == RawEvent.objects.count()
    assert counts.read()["entities:plot"] == KnownEntity.objects.count()


@pytest.mark.parametrize("then", ["commit", "rollback"])
def test_counts_are_exact_while_they_are_compacted(then):
    for number in range(3):
        ingest([watered(f"plot-{number}")], refresh=False)
    with elsewhere(counts.compact, then=then):
        ingest([watered("plot-9")], refresh=False)
        assert counts.read() == {"events:plot": 4, "entities:plot": 4}
    assert counts.read() == {"events:plot": 4, "entities:plot": 4}
    assert counts.compact() == 2 and counts.compact() == 2
    assert counts.read() == {"events:plot": 4, "entities:plot": 4}
