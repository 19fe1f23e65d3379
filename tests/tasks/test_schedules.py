"""Periodic tasks: their slots, what was missed, pauses, and runs out of turn."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Entry
from tasks import schedules
from tasks.definitions import periodic_tasks
from tasks.models import PeriodicRun, Schedule, Task
from tasks.rhythm import Cron, Every
from tasks.testing import advance, run_due
from tests.garden import tasks as garden

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EXPRESSIONS = ["* * * * *", "*/5 * * * *", "0 3 * * *", "30 2 * * 1", "0 0 29 2 *", "15 14 1 * *"]
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
RHYTHMS = st.one_of(
    st.integers(1, 100_000).map(lambda seconds: Every(timedelta(seconds=seconds))),
    st.sampled_from(EXPRESSIONS).map(Cron),
)


class TestRhythm:
    @given(RHYTHMS, MOMENTS)
    def test_the_latest_slot_is_the_last_one_that_is_not_in_the_future(self, rhythm, now):
        slot = rhythm.latest(now)
        assert slot <= now < rhythm.following(slot)
        assert rhythm.latest(slot) == slot

    @given(RHYTHMS, MOMENTS)
    def test_slots_follow_each_other_without_a_gap(self, rhythm, now):
        slot = rhythm.latest(now)
        later = rhythm.following(slot)
        assert later > slot and rhythm.latest(later) == later
        assert rhythm.latest(later - timedelta(microseconds=1)) == slot

    @pytest.mark.parametrize("bad", ["", "* * * *", "61 * * * *", "* * * * * *", "@daily", "often"])
    def test_what_is_no_cron_expression_is_refused_where_it_is_declared(self, bad):
        with pytest.raises(ValueError):
            Cron(bad)


def hourly(missed="latest"):
    return next(p for p in periodic_tasks() if p.task.name == {"latest": "garden.hourly", "all": "garden.every_hour",
                                                               "skip": "garden.on_the_hour"}[missed])  # fmt: skip


class TestMissed:
    @pytest.mark.parametrize(
        ("missed", "hours"), [("latest", [11]), ("all", [9, 10, 11]), ("skip", [])], ids=["latest", "all", "skip"]
    )
    def test_three_missed_slots(self, missed, hours):
        now = NOON - timedelta(minutes=5)
        slots = schedules.due_slots(hourly(missed), NOON - timedelta(hours=4), now)
        assert [slot.hour for slot in slots] == hours

    @pytest.mark.parametrize("missed", ["latest", "all", "skip"])
    def test_a_slot_that_has_just_begun_is_run_by_all(self, missed):
        slots = schedules.due_slots(hourly(missed), NOON - timedelta(hours=1), NOON + timedelta(seconds=3))
        assert slots == [NOON]

    def test_after_a_year_away_only_the_newest_slots_are_made_up_for(self):
        slots = schedules.due_slots(hourly("all"), NOON - timedelta(days=365), NOON)
        assert len(slots) == schedules.MOST_MISSED and slots[-1] == NOON


@pytest.mark.django_db(transaction=True)
class TestRows:
    @pytest.fixture(autouse=True)
    def _declared(self, redis):
        schedules.declare()

    def test_every_declared_task_has_a_row_and_one_whose_code_is_gone_says_so(self):
        Schedule.objects.create(name="garden.forgotten", rhythm="every 1 s", next_slot=NOON)
        schedules.declare()
        assert {p.task.name for p in periodic_tasks()} == set(
            Schedule.objects.filter(declared=True).values_list("name", flat=True)
        )
        forgotten = Schedule.objects.get(name="garden.forgotten")
        assert (forgotten.declared, forgotten.next_slot) == (False, None)

    def test_a_slot_runs_once_and_the_row_knows_the_last_and_the_next(self):
        assert schedules.tick(hourly()) == 1 and schedules.tick(hourly()) == 0
        row = Schedule.objects.get(name="garden.hourly")
        assert row.next_slot == row.last_slot + timedelta(hours=1)
        assert row.last_task.name == "garden.hourly" and run_due() == 1
        advance(timedelta(hours=1))
        assert schedules.tick(hourly()) == 1

    def test_a_slot_that_has_a_row_is_not_run_again_whatever_the_schedule_says(self):
        schedules.tick(hourly())
        Schedule.objects.update(last_slot=None, next_slot=None)
        assert schedules.tick(hourly()) == 0 and PeriodicRun.objects.count() == 1

    def test_a_named_time_of_day_waits_for_its_next_slot_when_it_is_new(self):
        nightly = next(p for p in periodic_tasks() if p.task.name == "garden.on_leap_day")
        assert schedules.tick(nightly) == 0
        assert Schedule.objects.get(name="garden.on_leap_day").next_slot.month == 2

    def test_a_paused_one_does_not_run_until_it_is_resumed(self):
        schedules.pause(name="garden.hourly", reason="flood")
        assert schedules.tick(hourly()) == 0
        schedules.resume(name="garden.hourly", reason="dry again")
        assert schedules.tick(hourly()) == 1
        entries = Entry.objects.filter(entity_type="schedule").order_by("id").values_list("action", "metadata__reason")
        assert list(entries) == [("schedule_paused", "flood"), ("schedule_resumed", "dry again")]

    def test_a_run_out_of_turn_takes_no_slot(self):
        result = schedules.run_now(name="garden.hourly", reason="now")
        assert Task.objects.get(pk=result.id).name == "garden.hourly" and not PeriodicRun.objects.exists()
        with pytest.raises(schedules.UnknownSchedule):
            schedules.run_now(name="garden.note")

    @pytest.mark.parametrize(("missed", "tasks"), [("latest", 1), ("all", 3)])
    def test_after_three_hours_away_each_slot_has_its_task_only_if_all_must_run(self, missed, tasks):
        schedules.tick(hourly(missed))
        Task.objects.all().delete()
        advance(timedelta(hours=3))
        assert schedules.tick(hourly(missed)) == Task.objects.count() == tasks

    def test_a_run_that_still_waits_stands_for_the_next_slot(self):
        schedules.tick(hourly())
        advance(timedelta(hours=1))
        assert schedules.tick(hourly()) == 1 and Task.objects.count() == 1

    def test_one_that_cannot_be_enqueued_holds_up_no_other(self, monkeypatch):
        whole = schedules.enqueue

        def enqueue(periodic, **slot):
            if periodic.task.name == periodic_tasks()[0].task.name:
                raise ValueError("its arguments are no JSON")
            return whole(periodic, **slot)

        monkeypatch.setattr(schedules, "enqueue", enqueue)
        others = {periodic.task.name for periodic in periodic_tasks()[1:]}
        assert set(schedules.enqueue_due()) <= others and "garden.hourly" in others
        assert Task.objects.filter(name="garden.hourly").exists()

    def test_two_schedulers_share_the_work(self):
        assert schedules.enqueue_due() != [] and schedules.enqueue_due() == []


def test_a_declaration_with_an_unknown_policy_is_refused():
    from tasks.definitions import every

    with pytest.raises(ValueError, match="sometimes"):
        every(timedelta(hours=1), missed="sometimes")(garden.note)
