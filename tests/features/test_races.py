"""Writers, computers and crashes at the same time: each accepted event counts exactly once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from features.intake.ingest import ingest
from features.models import FeatureValue, KnownEntity, RawEvent, StaleEntity
from features.serving.stored import stored
from features.values.extraction import extract
from features.values.materialize import refresh
from tasks.models import Task
from tests.garden.features import PlotCare
from tests.makers import watered
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*jobs):
    def run(job):
        try:
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def test_an_event_committed_late_is_not_missed(redis):
    """It gets its id before, and becomes visible after, a computation of its entity."""
    ingest([watered("a")], refresh=False)
    stored_late, computed = threading.Event(), threading.Event()

    def slow_writer():
        with transaction.atomic():
            ingest([watered("a", litres=5)], refresh=False)
            stored_late.set()
            assert computed.wait(10)

    def computer():
        assert stored_late.wait(10)
        refresh("plot", ["a"])
        computed.set()

    in_threads(slow_writer, computer)
    assert stored(PlotCare, ["a"])["a"].values()["events"] == 1
    assert StaleEntity.objects.count() == 1
    refresh("plot", ["a"])
    assert stored(PlotCare, ["a"])["a"].values()["events"] == 2
    assert not StaleEntity.objects.exists()


def test_writers_and_computers_together_count_everything_once(redis):
    plots = [f"plot-{number}" for number in range(12)]
    events = [watered(random.choice(plots), litres=number) for number in range(400)]
    done = threading.Event()

    def writer(part):
        def run():
            for start in range(0, len(part), 7):
                ingest(part[start : start + 7], refresh=False)

        return run

    def computer():
        while not done.is_set():
            list(extract("plot", batch_size=3, max_batches=100))

    def writers():
        in_threads(writer(events[:250]), writer(events[150:]))  # overlapping: some are sent twice
        done.set()

    in_threads(writers, computer, computer)
    list(extract("plot", batch_size=5, max_batches=100))
    assert RawEvent.objects.count() == 400 and not StaleEntity.objects.exists()
    for plot in KnownEntity.objects.values_list("entity_id", flat=True):
        values = stored(PlotCare, [plot])[plot].values()
        mine = [event for event in events if event.entity_id == plot]
        assert values["events"] == len(mine)
        assert values["litres"] == sum(int(event.data["litres"]) for event in mine)


def test_many_events_make_one_waiting_recompute(redis):
    first = ingest([watered("a")])
    second = ingest([watered("b")])
    assert first.task_ids == second.task_ids
    assert Task.objects.filter(name="features.refresh_stale").count() == 1


def test_a_recompute_that_started_does_not_swallow_a_later_event(redis):
    from tasks import claims

    [task_id] = ingest([watered("a")]).task_ids
    assert claims.claim(task_id, worker="w") is not None
    [other] = ingest([watered("a")]).task_ids
    assert other != task_id


def test_a_waiting_recompute_cannot_start_before_the_writer_it_serves_commits(redis):
    """The second writer joins the first's task: its first attempt waits for the second's rows."""
    from tasks import claims

    [task_id] = ingest([watered("a")]).task_ids
    joined, claimed = threading.Event(), threading.Event()
    order = []

    def writer():
        with transaction.atomic():
            assert ingest([watered("b")]).task_ids == [task_id]
            joined.set()
            assert not claimed.wait(0.5)
            order.append("commit")

    def worker():
        assert joined.wait(10)
        assert claims.claim(task_id, worker="w") is not None
        order.append("claim")
        claimed.set()

    in_threads(writer, worker)
    assert order == ["commit", "claim"]


def test_new_events_reach_their_features_through_a_worker(processes):
    processes.worker()
    ingest([watered(f"plot-{number}", litres=3) for number in range(40)])
    eventually(lambda: FeatureValue.objects.filter(feature_set__name="plot_care").count() == 40, log=processes.log)
    assert not StaleEntity.objects.exists()
    value = FeatureValue.objects.filter(feature_set__name="plot_care").first()
    assert Task.objects.get(pk=value.task_id).name == "features.refresh_stale"


def test_a_worker_killed_in_a_batch_neither_loses_nor_doubles(processes):
    """SIGKILL while a backlog is drained; the rest is done by the next attempt and nothing is counted twice."""
    ingest([watered(f"plot-{number % 900}", litres=1) for number in range(4500)])
    worker = processes.worker(TASK_LEASE_S="2", TASK_RESEND_S="1")
    processes.scheduler(TASK_LEASE_S="2", TASK_RESEND_S="1")
    eventually(lambda: Task.objects.filter(name="features.refresh_stale", status="processing").exists())
    processes.kill(worker)
    processes.worker(TASK_LEASE_S="2", TASK_RESEND_S="1")
    eventually(lambda: not StaleEntity.objects.exists(), within_s=40, log=processes.log)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum((vals->>'events')::int) FROM model_features v "
            "JOIN features_featuresetversion s ON s.id = v.feature_set_id AND s.name = 'plot_care'"
        )
        assert cursor.fetchone() == (900, 4500)
