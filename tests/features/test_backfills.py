"""Backfills as rows: planned, shared by workers, paused, resumed, cancelled, killed, and gentle to live traffic."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from audit.models import Entry
from features import services
from features.backfill import chunks, control
from features.backfill.models import Backfill, BackfillChunk, State
from features.backfill.work import start, work
from features.definitions import feature_sets
from features.intake.ingest import ingest
from features.models import FailedEntity, FeatureHistory, FeatureValue, StaleEntity
from features.serving.stored import stored
from features.tasks import tend_backfills
from features.values.coverage import count_waiting
from tasks.models import Task
from tasks.testing import run_due
from tests.features.test_exactness import _break_payload
from tests.features.test_races import in_threads
from tests.garden.features import PlotCare, PlotHarvest
from tests.makers import watered
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PLOT_SETS = len(feature_sets(entity="plot"))


def plots(number: int, **more) -> None:
    ingest([watered(f"plot-{n:04}", **more) for n in range(number)], refresh=False)


def requested(**asked) -> Backfill:
    return services.request_backfill(**{"entity_type": "plot", "batch_size": 5} | asked)[0]


def worked(backfill: Backfill, **options) -> Backfill:
    for _ in work(backfill.pk, worker="here", **options):
        pass
    backfill.refresh_from_db()
    return backfill


def test_a_backfill_computes_what_waits_and_tells_how_far_it_is(redis):
    plots(23)
    backfill = requested(reason="new plots")
    assert (backfill.state, backfill.percent) == ("planned", 0)
    run_due()
    backfill.refresh_from_db()
    assert (backfill.state, backfill.percent, backfill.done, backfill.expected) == ("completed", 100, 23, 23)
    assert FeatureValue.objects.count() == 23 * PLOT_SETS and not StaleEntity.objects.exists()
    assert backfill.chunk_states() == {"done": backfill.chunks.count()} and backfill.chunks.count() > 1
    [task] = Task.objects.filter(name="features.work_on_backfill")
    assert task.status == "completed" and task.result["entities"] == 23
    asked, ended = Entry.objects.filter(entity_id=str(backfill.pk)).order_by("pk")
    assert (asked.action, asked.metadata["reason"]) == ("backfill_requested", "new plots")
    assert (ended.action, ended.metadata["entities"]) == ("features_backfilled", 23)


def test_chunks_cover_every_entity_once_and_the_last_one_is_open(redis):
    plots(23)
    backfill = requested(workers=2)
    start(backfill.pk)
    ranges = list(backfill.chunks.order_by("number").values_list("cursor", "until"))
    assert ranges[0][0] == "" and ranges[-1][1] is None
    assert [until for _, until in ranges[:-1]] == [after for after, _ in ranges[1:]]
    ingest([watered("zzz, later than the plan")], refresh=False)
    assert worked(backfill).done == 24


def test_a_second_request_joins_the_first_and_one_of_another_time_is_refused(redis):
    first = requested()
    again, is_new = services.request_backfill(entity_type="plot")
    assert again == first and not is_new
    assert Task.objects.filter(name="features.work_on_backfill").count() == 1
    requested(scope="everyone")
    past = timezone.now() - timedelta(days=1)
    requested(scope="as_of", as_of=past)
    with pytest.raises(control.OtherBackfill):
        requested(scope="as_of", as_of=past - timedelta(days=1))
    with pytest.raises(control.OtherBackfill):
        requested(feature_sets=["plot_care@v1"])


def test_two_requests_at_once_make_one_backfill(redis):
    found = in_threads(*[lambda: services.request_backfill(entity_type="plot")[0].pk for _ in range(4)])
    assert len(set(found)) == 1 and Backfill.objects.count() == 1


def test_workers_share_the_chunks_and_each_event_counts_once(redis):
    plots(60)
    plots(60, litres=3)
    backfill = requested(workers=3)
    in_threads(*[lambda: worked(Backfill.objects.get(pk=backfill.pk)) for _ in range(3)])
    backfill.refresh_from_db()
    assert (backfill.state, backfill.done) == ("completed", 60)
    for values in stored(PlotCare, [f"plot-{n:04}" for n in range(60)]).values():
        assert (values.values()["events"], values.values()["litres"]) == (2, 13)
    assert FeatureHistory.objects.count() == 60 * PLOT_SETS, "nobody was computed twice"


def test_no_more_workers_than_wanted_hold_chunks(redis):
    plots(60)
    backfill = requested(workers=1)
    start(backfill.pk)
    assert chunks.claim(backfill.pk, worker="one") is not None
    assert chunks.claim(backfill.pk, worker="two") is None


def test_it_stops_at_its_limit_of_batches(redis):
    plots(23)
    backfill = worked(requested(batch_size=2, max_batches=3))
    assert (backfill.state, backfill.done, backfill.batches) == ("completed", 6, 3)
    assert "limit of 3 batches" in backfill.note and count_waiting("plot") == 17


def test_paused_it_stores_nothing_more_and_resumed_it_goes_on_from_the_cursor(redis):
    plots(30)
    backfill = requested()
    steps = work(backfill.pk, worker="here")
    next(steps)
    services.pause_backfill(backfill_id=backfill.pk, reason="month end")
    assert list(steps) == []
    backfill.refresh_from_db()
    assert (backfill.state, backfill.done, backfill.note) == ("paused", 5, "month end")
    assert set(backfill.chunk_states()) <= {"waiting", "done"}
    assert worked(backfill).done == 5
    services.resume_backfill(backfill_id=backfill.pk)
    assert Task.objects.filter(name="features.work_on_backfill").count() == 2
    assert worked(backfill).done == 30
    assert FeatureHistory.objects.count() == 30 * PLOT_SETS
    actions = Entry.objects.filter(entity_id=str(backfill.pk)).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["backfill_requested", "backfill_paused", "backfill_resumed", "features_backfilled"]


def test_a_batch_that_was_under_way_at_the_cancellation_is_undone(redis):
    plots(30)
    backfill = requested()

    def cancel_meanwhile():
        in_threads(lambda: services.cancel_backfill(backfill_id=backfill.pk))

    looked = iter([lambda: None, cancel_meanwhile])
    assert worked(backfill, look=lambda: next(looked)()).done == 5
    assert backfill.state == "cancelled" and backfill.finished_at and FeatureHistory.objects.count() == 5 * PLOT_SETS
    with pytest.raises(control.WrongState):
        services.resume_backfill(backfill_id=backfill.pk)


def test_an_ended_backfill_stays_as_it_ended_whoever_writes(redis):
    plots(3)
    backfill = worked(requested())
    with pytest.raises(Error, match="does not go from completed to running"), transaction.atomic():
        Backfill.objects.filter(pk=backfill.pk).update(state=State.RUNNING, finished_at=None)


def test_one_entity_that_fails_is_noted_and_holds_up_nobody(redis):
    plots(11)
    _break_payload("plot-0004")
    backfill = worked(requested())
    assert (backfill.state, backfill.done, backfill.failed) == ("completed", 10, 1)
    noted = FailedEntity.objects.get()
    assert noted.entity_id == "plot-0004" and "numeric" in noted.error
    assert backfill.chunks.exclude(error="").get().error == f"plot-0004: {noted.error}"


def test_a_chunk_that_no_worker_survives_is_given_up_and_the_rest_is_done(redis):
    plots(12)
    backfill = requested()
    start(backfill.pk)
    first = backfill.chunks.order_by("number").first()
    BackfillChunk.objects.filter(pk=first.pk).update(tries=chunks.MAX_TRIES)
    worked(backfill)
    assert backfill.state == "failed" and backfill.chunk_states()["failed"] == 1
    assert backfill.done == 12 - 5 and "given up" in backfill.note


def test_a_worker_that_stood_still_cannot_store_after_another_took_its_chunk(redis):
    plots(96)
    backfill = requested(batch_size=2, detached=False)
    steps = work(backfill.pk, worker="slow")
    next(steps)
    mine = backfill.chunks.filter(worker="slow")
    mine.update(lease_until=timezone.now() - timedelta(seconds=1))
    other = chunks.claim(backfill.pk, worker="other")
    assert other.cursor == "plot-0001"
    assert len(list(steps)) == 7 * 6, "it goes on with the other seven chunks"
    assert backfill.chunks.get(state="running").worker == "other"
    chunks.release(other)
    assert worked(backfill).done == 96
    assert FeatureHistory.objects.count() == 96 * PLOT_SETS


def test_a_killed_workers_chunk_is_continued_from_its_cursor_by_another(processes):
    plots(60)
    backfill = requested(rate=10)
    worker = processes.worker(TASK_LEASE_S="2")
    eventually(lambda: Backfill.objects.get(pk=backfill.pk).done >= 5, log=processes.log)
    task = Task.objects.get(subject_type="backfill", subject_id=str(backfill.pk))
    eventually(lambda: "of 60 entities" in Task.objects.get(pk=task.pk).progress_message, log=processes.log)
    processes.kill(worker)
    assert backfill.chunks.get(state="running").cursor
    Backfill.objects.filter(pk=backfill.pk).update(rate=None)
    processes.worker(TASK_LEASE_S="2")
    processes.scheduler(TASK_LEASE_S="2")
    eventually(lambda: Backfill.objects.get(pk=backfill.pk).state == "completed", within_s=60, log=processes.log)
    assert Backfill.objects.get(pk=backfill.pk).done == 60
    assert FeatureHistory.objects.count() == 60 * PLOT_SETS, "what was stored before the kill was not computed again"


def test_a_backfill_whose_tasks_are_gone_gets_new_ones(redis):
    plots(5)
    backfill = requested(workers=2)
    Task.objects.filter(subject_id=str(backfill.pk)).update(status="cancelled", completed_at=timezone.now())
    assert tend_backfills.func() == {"workers": 2}
    assert tend_backfills.func() == {"workers": 0}
    services.pause_backfill(backfill_id=backfill.pk)
    assert tend_backfills.func() == {"workers": 0}


def test_a_backfill_that_nobody_can_begin_is_given_up(redis):
    backfill = requested()
    ended = {"status": "failed", "completed_at": timezone.now(), "subject_type": "backfill"}
    for _ in range(chunks.MAX_TRIES):
        Task.objects.create(name="features.work_on_backfill", queue_name="low", subject_id=str(backfill.pk), **ended)
    tend_backfills.func()
    backfill.refresh_from_db()
    assert backfill.state == "failed" and "could not be cut" in backfill.note


def test_sets_that_no_code_declares_any_more_end_a_backfill(redis):
    backfill = requested(feature_sets=["plot_care@v1"])
    Backfill.objects.update(feature_sets=["plot_care@v0"])
    worked(backfill)
    assert (backfill.state, backfill.note) == ("failed", "plot_care@v0 is not declared any more")


def test_a_new_set_goes_live_alone_and_leaves_the_marks_to_the_others(redis):
    plots(8)
    backfill = worked(requested(feature_sets=["plot_harvest@v1"]))
    assert (backfill.state, backfill.done) == ("completed", 8)
    assert set(stored(PlotHarvest, ["plot-0001"])) == {"plot-0001"} and not stored(PlotCare, ["plot-0001"])
    assert StaleEntity.objects.count() == 8
    assert worked(requested()).done == 8
    assert stored(PlotCare, ["plot-0001"])["plot-0001"].values()["events"] == 1 and not StaleEntity.objects.exists()


def test_an_event_that_comes_after_a_set_went_live_is_not_lost_to_it(redis):
    plots(1)
    worked(requested())
    ingest([watered("plot-0000", litres=1)], refresh=False)
    worked(requested(scope="everyone", feature_sets=["plot_care@v1"]))
    ingest([watered("plot-0000", litres=1, days_ago=1)], refresh=False)
    worked(requested())
    assert stored(PlotCare, ["plot-0000"])["plot-0000"].values()["events"] == 3


def test_values_of_a_past_time_are_added_for_everyone_once(redis):
    plots(9, now=timezone.now() - timedelta(days=10))
    worked(requested())
    past = timezone.now() - timedelta(days=5)
    assert worked(requested(scope="as_of", as_of=past)).done == 9
    assert FeatureHistory.objects.filter(as_of=past).count() == 9 * PLOT_SETS
    assert worked(requested(scope="as_of", as_of=past)).done == 0


def test_everyone_is_computed_again_where_nothing_waits(redis):
    plots(9)
    worked(requested())
    assert worked(requested()).done == 0
    assert worked(requested(scope="everyone")).done == 9


def test_one_backfill_may_cover_every_entity_type(redis):
    plots(4)
    backfill = worked(requested(entity_type=""))
    assert (backfill.state, backfill.done) == ("completed", 4)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"entity_type": "planet"}, "entity_type"),
        ({"scope": "as_of"}, "as_of"),
        ({"as_of": timezone.now()}, "as_of"),
        ({"scope": "as_of", "as_of": timezone.now() + timedelta(days=1)}, "as_of"),
        ({"entity_type": "", "feature_sets": ["plot_care@v1"]}, "entity_type"),
        ({"feature_sets": ["plot_care@v9"]}, "feature_sets"),
        ({"feature_sets": ["core_behavioral@v1"]}, "feature_sets"),
    ],
)
def test_what_cannot_be_done_is_refused(asked, field):
    with pytest.raises(control.InvalidBackfill) as error:
        requested(**asked)
    assert error.value.field == field and not Backfill.objects.exists()


def test_the_rate_is_kept_by_all_workers_together(redis):
    plots(60)
    backfill = requested(rate=20, workers=2, batch_size=50)
    times = []

    def paced():
        for _, done in work(backfill.pk, worker="here"):
            times.append((time.monotonic(), done.entities))

    in_threads(paced, paced)
    assert sum(entities for _, entities in times) == 60
    for start_at, _ in times:
        within = sum(entities for at, entities in times if start_at <= at < start_at + 1)
        assert within <= 2 * 20, "a second's worth, and what was under way"
    took = max(times)[0] - min(times)[0]
    assert 0.5 <= 60 / took / 20 <= 1.6


def test_readers_and_writers_wait_for_no_lock_of_a_backfill(redis):
    """Beside it, others write events of the same plots and read their values, and would give up within 100 ms."""
    plots(40)
    backfill = requested(rate=40, batch_size=20)
    over, done = threading.Event(), {"written": 0, "read": 0}

    def backfilled():
        worked(Backfill.objects.get(pk=backfill.pk))
        over.set()

    def beside(name, act):
        def run():
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '100ms'")
            while not over.is_set():
                act(done[name])
                done[name] += 1

        return run

    def write(number):
        ingest([watered(f"plot-{(number + n) % 45:04}", litres=1) for n in range(5)], refresh=False)

    def read(number):
        stored(PlotCare, [f"plot-{(number + n) % 40:04}" for n in range(10)])
        services.point_in_time(PlotCare, [(f"plot-{number % 40:04}", timezone.now())])

    in_threads(backfilled, beside("written", write), beside("read", read))
    assert min(done.values()) > 10
    backfill.refresh_from_db()
    assert backfill.state == "completed" and backfill.per_second <= 2 * 40
    worked(requested())
    counted = sum(
        values.values()["events"] for values in stored(PlotCare, [f"plot-{n:04}" for n in range(45)]).values()
    )
    assert counted == 40 + 5 * done["written"]
