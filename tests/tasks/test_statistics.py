"""Tallies of what ended, and the figures read from them."""

import math
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tasks import controls, figures
from tasks.bell import quick_connection
from tasks.figures import bucket_s, percentile
from tasks.metrics import TaskCollector
from tasks.models import Tally, Task
from tasks.statistics import tally
from tests import makers
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/stats"
HIGH = 2 ** (1 / 4) * 1.000001


def ended(number: int = 1, *, ago: timedelta = timedelta(minutes=1), status: str = "completed", wait_s: float = 2,
          run_s: float = 1, **fields) -> None:  # fmt: skip
    at = timezone.now() - ago
    started = at - timedelta(seconds=run_s)
    row = {"name": "garden.note", "queue_name": "default", "status": status, "completed_at": at, "attempt": 1,
           "attempt_started_at": started, "run_after": started - timedelta(seconds=wait_s), **fields}  # fmt: skip
    Task.objects.bulk_create([Task(**row) for _ in range(number)])


def counted() -> int:
    return Tally.objects.aggregate(sum=Sum("count"))["sum"] or 0


def rows() -> set:
    return set(
        Tally.objects.values_list("minute", "queue_name", "name", "status", "wait_bucket", "run_bucket", "count")
    )


class TestTally:
    def test_counting_again_changes_nothing(self):
        ended(3)
        ended(2, status="failed", ago=timedelta(minutes=2))
        tally(again_s=180)
        first = rows()
        for _ in range(3):
            tally(again_s=180)
        assert rows() == first and counted() == 5

    def test_one_that_commits_late_is_counted(self):
        ended(1, ago=timedelta(seconds=5))
        tally(again_s=180)
        ended(1, ago=timedelta(seconds=150))  # ended earlier, seen later
        tally(again_s=180)
        assert counted() == 2

    def test_what_ended_while_nobody_counted_is_counted_in_slices(self):
        for hours in range(1, 40):
            ended(2, ago=timedelta(hours=hours))
        for _ in range(10):
            tally(again_s=180)
        assert counted() == 78

    def test_folding_keeps_totals_and_counts_nothing_twice(self):
        for minutes in (1, 59, 125, 130, 190, 60 * 20, 60 * 46):
            ended(minutes % 7 + 1, ago=timedelta(minutes=minutes), run_s=minutes / 100)
        total = Task.objects.count()
        for _ in range(4):
            tally(again_s=180)
            assert counted() == total
        folded = Tally.objects.filter(minute__second=1)
        assert folded and not Tally.objects.filter(
            minute__second=0, minute__lt=timezone.now() - timedelta(hours=2, minutes=2)
        )
        ended(1, ago=timedelta(hours=5))  # much too late: its hour is closed, and stays right
        tally(again_s=6 * 3600)
        assert counted() == total

    def test_days_are_folded_into_one_sum_that_never_falls(self):
        old = timezone.now().replace(minute=0, second=1, microsecond=0) - timedelta(days=3)
        key = {"queue_name": "default", "name": "garden.note", "status": "completed", "wait_bucket": 1, "run_bucket": 1}
        for hours in range(3):
            Tally.objects.create(minute=old + timedelta(hours=hours), count=5, **key)
        ended(1)
        for _ in range(2):
            tally(again_s=180)
            assert counted() == 16
        assert list(Tally.objects.filter(minute__year=1970).values_list("count", flat=True)) == [15]

    @pytest.mark.parametrize("seconds", [0.0004, 0.001, 0.0011, 0.5, 1.0, 59.99, 3_000])
    def test_a_time_falls_into_the_bucket_that_bounds_it(self, seconds):
        ended(1, run_s=seconds)
        tally(again_s=180)
        bound = bucket_s(Tally.objects.get().run_bucket)
        exact = max(round(seconds, 6), 0.001)
        assert exact <= bound * 1.000001 and bound <= exact * HIGH


@given(st.lists(st.floats(0.001, 5_000), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_within_its_resolution(times, share):
    counts = Counter(max(0, math.ceil(4 * math.log2(seconds * 1000) - 1e-9)) for seconds in times)
    exact = sorted(times)[math.ceil(share * len(times)) - 1] if share * len(times) > 0 else min(times)
    found = percentile(counts, share)
    assert exact * 0.9999 <= found + 1e-6 and found <= exact * HIGH + 1e-6


class TestFigures:
    def test_the_present_and_the_window_are_told_by_queue_and_name(self):
        for number in range(1, 101):
            ended(run_s=number / 10, wait_s=0.5)
        ended(25, status="failed", name="garden.fail", queue_name="low")
        ended(4, status="cancelled", run_s=0)
        ended(7, ago=timedelta(minutes=40))
        Task.objects.create(name="garden.note", queue_name="default", run_after=Now() - timedelta(seconds=100))
        Task.objects.create(name="garden.note", queue_name="default", run_after=Now() + timedelta(hours=1))
        Task.objects.create(name="garden.slow", queue_name="default", status="processing", lease_until=Now(),
                            attempt_started_at=Now() - timedelta(seconds=5), worker="somebody/7")  # fmt: skip
        for _ in range(3):
            tally(again_s=180)
        answer = makers.client(makers.user("operator")).get(URL)
        assert answer.status_code == 200
        names = {row["name"]: row for row in answer.json()["names"]}
        note = names["garden.note"]
        assert (note["completed"], note["failed"], note["cancelled"]) == (100, 0, 4)
        assert (note["depth"], note["deferred"], note["running"]) == (1, 1, 0)
        assert 90 <= note["oldest_waiting_s"] < 120
        assert 5.0 <= note["run_s"]["p50"] <= 5.0 * HIGH and 9.5 <= note["run_s"]["p95"] <= 9.5 * HIGH
        assert 0.5 <= note["wait_s"]["p50"] <= 0.5 * HIGH
        assert note["success_rate"] == 1 and 5 < note["completed_per_minute"] <= 100 / 15
        assert (names["garden.fail"]["failed"], names["garden.fail"]["success_rate"]) == (25, 0)
        assert names["garden.slow"]["running"] == 1
        queues = {row["queue"]: row for row in answer.json()["queues"]}
        assert queues["low"]["failed"] == 25 and queues["default"]["running"] == 1
        assert queues["high"]["run_s"] == {"p50": None, "p95": None} and queues["high"]["depth"] == 0

    def test_a_longer_window_sees_more(self):
        ended(1)
        ended(2, ago=timedelta(minutes=30))
        ended(4, ago=timedelta(hours=12))
        for _ in range(3):
            tally(again_s=180)
        client = makers.client(makers.user("auditor"))
        seen = []
        for window in ("15m", "1h", "24h"):
            answer = client.get(f"{URL}?window={window}").json()
            seen.append(next(row for row in answer["names"] if row["name"] == "garden.note")["completed"])
            assert answer["window"] == window and answer["since"] < answer["until"]
        assert seen == [1, 3, 7]
        assert client.get(f"{URL}?window=1y").status_code == 400

    def test_a_pause_and_limits_show(self, redis):
        controls.pause(kind="queue", name="low", reason="the printer burns")
        controls.limit(kind="task", name="garden.note", max_running=3)
        answer = makers.client(makers.user("operator")).get(URL).json()
        low = next(row for row in answer["queues"] if row["queue"] == "low")
        assert low["paused_at"] and low["reason"] == "the printer burns"
        assert next(row for row in answer["names"] if row["name"] == "garden.note")["max_running"] == 3

    def test_a_window_is_read_by_few_statements(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(4):
            figures.summary("1h")


class TestWorkers:
    def test_without_redis_they_are_not_known_but_what_runs_is(self, monkeypatch):
        import redis

        nobody = redis.Redis(port=1, socket_connect_timeout=0.05, retry=None)
        monkeypatch.setattr("tasks.bell.quick_connection", lambda: nobody)
        Task.objects.create(name="garden.slow", queue_name="default", status="processing", lease_until=Now(),
                            attempt_started_at=Now(), worker="host.1.ab/7")  # fmt: skip
        answer = makers.client(makers.user("operator")).get(URL).json()
        [worker] = answer["workers"]
        assert answer["workers_known"] is False
        assert (worker["name"], worker["state"], len(worker["running"])) == ("host.1.ab", None, 1)


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_is_listed_with_what_it_runs(processes):
    processes.worker()
    client = makers.client(makers.user("operator"))
    eventually(lambda: client.get(URL).json()["workers"], log=processes.log)
    result = garden.slow.enqueue(seconds=20)

    def busy():
        [worker] = client.get(URL).json()["workers"]
        return worker if worker["running"] else None

    worker = eventually(busy, log=processes.log)
    assert worker["host"] and worker["pid"] and worker["queues"] == ["high", "default", "low"]
    assert worker["last_heartbeat"] and client.get(URL).json()["workers_known"] is True
    assert [(one["task_id"], one["name"]) for one in worker["running"]] == [(result.id, "garden.slow")]
    assert quick_connection().ping()


def test_metrics_tell_the_same_and_their_counters_count():
    ended(3, run_s=1, wait_s=0.001)
    ended(2, status="failed")
    Task.objects.create(name="garden.note", queue_name="default", run_after=Now() - timedelta(seconds=9))
    controls.pause(kind="queue", name="low", reason="x")
    tally(again_s=180)
    found = {}
    for metric in TaskCollector().collect():
        for sample in metric.samples:
            found[sample.name, *sorted(sample.labels.items())] = sample.value
    note = (("queue", "default"), ("task", "garden.note"))
    assert found["millrace_tasks_ended_total", note[0], ("status", "completed"), note[1]] == 3
    assert found["millrace_tasks_ended_total", note[0], ("status", "failed"), note[1]] == 2
    assert found["millrace_tasks_due", *note] == 1 and found["millrace_tasks_dead", note[1]] == 2
    assert found["millrace_task_run_seconds_count", *note] == 5
    below = {key[1][1]: value for key, value in found.items() if key[0] == "millrace_task_run_seconds_bucket"}
    assert below["+Inf"] == 5 and below["0.256"] == 0 and below["1.024"] == 5
    assert found["millrace_paused", ("kind", "queue"), ("name", "low")] == 1
    assert found["millrace_workers_busy",] == 0
