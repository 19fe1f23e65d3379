"""Backfills over HTTP and from the command line: estimates, states, coverage by day."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from features.backfill.estimate import estimate
from features.backfill.models import Backfill
from features.backfill.work import work
from features.definitions import feature_sets
from features.intake.ingest import ingest
from features.models import CoverageDay, FeatureHistory, FeatureValue, StaleEntity
from features.tasks import note_coverage
from features.values import coverage_days
from features.values.materialize import refresh
from tasks.models import Task
from tests import makers
from tests.makers import watered
from tests.processes import ROOT, eventually

pytestmark = pytest.mark.django_db
BACKFILLS = "/api/v1/admin/features/backfills/"


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def plots(number: int) -> None:
    ingest([watered(f"plot-{n:04}") for n in range(number)], refresh=False)


def finish(backfill_id) -> None:
    for _ in work(backfill_id, worker="here"):
        pass


def test_a_backfill_is_started_looked_at_paused_resumed_and_cancelled(operator):
    plots(7)
    answer = operator.post(BACKFILLS, {"entity_type": "plot", "batch_size": 3, "reason": "new"}, format="json")
    made = answer.json()
    assert answer.status_code == 202 and answer["Location"] == f"/api/v1/tasks/{made['task_ids'][0]}"
    assert (made["state"], made["scope"], made["reason"]) == ("planned", "waiting", "new")
    one = f"{BACKFILLS}{made['backfill_id']}"
    for move, state in (("pause", "paused"), ("resume", "planned"), ("cancel", "cancelled")):
        assert operator.post(f"{one}/{move}", {"reason": "why"}, format="json").json()["state"] == state
    refused = operator.post(f"{one}/resume", {}, format="json")
    assert refused.status_code == 409 and refused.json()["detail"] == "This backfill is cancelled."
    second = operator.post(BACKFILLS, {"entity_type": "plot"}, format="json").json()["backfill_id"]
    finish(second)
    done = operator.get(f"{BACKFILLS}{second}/").json()
    assert (done["state"], done["progress_percentage"], done["entities_done"]) == ("completed", 100, 7)
    assert done["chunks"] == {"done": 1} and done["estimate"][0]["entities"] == 7
    listed = operator.get(BACKFILLS).json()["results"]
    assert [row["backfill_id"] for row in listed] == [second, made["backfill_id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"entity_type": "planet"},
        {"scope": "some"},
        {"scope": "as_of"},
        {"scope": "as_of", "as_of": "2999-01-01T00:00:00Z"},
        {"feature_sets": ["plot_care@v1"]},
        {"entity_type": "plot", "feature_sets": ["nothing@v1"]},
        {"batch_size": 0},
        {"rate": 0},
        {"workers": 33},
        {"speed": 1},
    ],
)
def test_what_cannot_be_done_is_a_problem_and_starts_nothing(operator, body):
    for question in ("", "?dry_run=true"):
        answer = operator.post(f"{BACKFILLS}{question}", body, format="json")
        assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert not Backfill.objects.exists()


def test_another_time_or_other_sets_conflict_with_the_live_one(operator):
    past = {"scope": "as_of", "entity_type": "plot"}
    assert operator.post(BACKFILLS, past | {"as_of": "2026-01-01T00:00:00Z"}, format="json").status_code == 202
    assert operator.post(BACKFILLS, past | {"as_of": "2026-01-02T00:00:00Z"}, format="json").status_code == 409


def test_unknown_backfills_and_questions_are_refused(operator):
    unknown = f"{BACKFILLS}00000000-0000-0000-0000-000000000000"
    assert operator.get(unknown).status_code == operator.post(f"{unknown}/pause").status_code == 404
    assert operator.get(f"{BACKFILLS}?colour=red").status_code == 400
    assert operator.post(f"{BACKFILLS}?dry_run=maybe", {}, format="json").status_code == 400


def test_a_dry_run_counts_tries_a_sample_and_leaves_no_trace(operator):
    plots(12)
    body = {"entity_type": "plot", "batch_size": 5, "rate": 2}
    answer = operator.post(f"{BACKFILLS}?dry_run=true", body, format="json")
    [row] = answer.json()["estimate"]
    assert answer.status_code == 200
    assert (row["entities"], row["counted"], row["source_events"], row["transactions"]) == (12, "exact", 12, 3)
    assert row["measured"] == "sample" and row["seconds"] >= 6 and 0 < row["database_s"] < 6
    assert not FeatureValue.objects.exists() and StaleEntity.objects.count() == 12
    assert not Backfill.objects.exists() and not Task.objects.filter(name="features.work_on_backfill").exists()


def test_an_estimate_goes_by_the_chunks_that_ran_with_the_same_sets():
    plots(12)
    finish(Backfill.objects.create(entity_type="plot", detached=False).pk)
    ingest([watered(f"plot-{n:04}") for n in range(4)], refresh=False)
    [row] = estimate(entity_type="plot")
    assert (row.entities, row.measured) == (4, "chunks")
    [everyone] = estimate(entity_type="plot", scope="everyone", workers=2)
    assert everyone.entities == 12 and everyone.seconds == pytest.approx(row.seconds * 3 / 2)
    [nobody] = estimate(entity_type="plot", scope="waiting", max_batches=1, batch_size=2)
    assert (nobody.entities, nobody.transactions) == (2, 1)


def test_where_nothing_waits_it_takes_no_time():
    [row] = estimate(entity_type="plot")
    assert (row.entities, row.seconds, row.measured) == (0, 0.0, "nothing")


def test_coverage_is_written_down_once_a_day_and_renewed(operator):
    plots(4)
    refresh("plot", ["plot-0000"])
    note_coverage.func()
    refresh("plot", ["plot-0001"])
    note_coverage.func()
    yesterday = CoverageDay.objects.get(feature_set__name="plot_care")
    assert (yesterday.total, yesterday.with_features, yesterday.without_features) == (4, 2, 2)
    CoverageDay.objects.update(date=timezone.now().date() - timedelta(days=1))
    note_coverage.func()
    days = operator.get("/api/v1/admin/features/stats?days=30").json()["days"]
    care = [day for day in days if day["feature_set"] == "plot_care"]
    assert [day["with_features"] for day in care] == [2, 2] and care[0]["date"] < care[1]["date"]
    assert len(coverage_days.days(1)) == len(days) / 2
    assert "days" not in operator.get("/api/v1/admin/features/stats").json()
    for number in ("0", "401", "x", ""):
        assert operator.get(f"/api/v1/admin/features/stats?days={number}").status_code == 400


def test_the_command_leaves_a_backfill_to_the_workers_and_moves_it(capsys):
    plots(3)
    call_command("backfill_features", "--entity", "plot", "--detach", "--workers", "2", "--rate", "7")
    backfill = Backfill.objects.get()
    assert (backfill.detached, backfill.workers, backfill.rate, backfill.state) == (True, 2, 7, "planned")
    assert Task.objects.filter(name="features.work_on_backfill").count() == 2
    for move, state in (("pause", "paused"), ("resume", "planned"), ("cancel", "cancelled")):
        call_command("backfill_features", f"--{move}", str(backfill.pk), "--reason", "month end")
        assert f"{backfill.pk} is {state}" in capsys.readouterr().out
    with pytest.raises(CommandError, match="This backfill is cancelled"):
        call_command("backfill_features", "--pause", str(backfill.pk))


def test_the_command_computes_only_the_sets_it_is_told(capsys):
    plots(3)
    call_command("backfill_features", "--entity", "plot", "--sets", "plot_harvest@v1")
    assert "plot: 3 entities" in capsys.readouterr().out
    assert set(FeatureValue.objects.values_list("feature_set__name", flat=True)) == {"plot_harvest"}


@pytest.mark.parametrize(
    "options",
    [
        ["--batch-size", "0"],
        ["--rate", "0"],
        ["--workers", "33"],
        ["--sets", "plot_care@v1"],
        ["--entity", "plot", "--sets", "nothing"],
        ["--as-of", "yesterday"],
        ["--as-of", "2999-01-01T00:00:00Z"],
        ["--pause", "nonsense"],
        ["--cancel", "00000000-0000-0000-0000-000000000000"],
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(CommandError):
        call_command("backfill_features", *options)


@pytest.mark.django_db(transaction=True)
def test_processes_of_the_command_share_the_work(processes):
    plots(60)
    command = [sys.executable, "manage.py", "backfill_features", "--entity", "plot", "--workers", "3"]
    done = subprocess.run(
        [*command, "--batch-size", "4"],
        cwd=ROOT,
        env=processes.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "plot: 60 entities" in done.stdout, done.stderr
    assert Backfill.objects.get().chunks.values("worker").distinct().count() > 1
    assert FeatureHistory.objects.count() == 60 * len(feature_sets(entity="plot"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_stopped_by_hand_pauses_and_goes_on_when_started_again(processes, capsys, workers):
    plots(40)
    running = processes.start("backfill_features", "--entity", "plot", "--rate", "10", "--workers", workers)
    eventually(lambda: Backfill.objects.filter(done__gte=10).exists(), log=processes.log)
    os.killpg(running.pid, signal.SIGINT)
    running.wait(20)
    backfill = Backfill.objects.get()
    assert backfill.state == "paused" and not backfill.chunks.filter(state="running").exists()
    Backfill.objects.update(rate=None)
    call_command("backfill_features", "--entity", "plot")
    assert "plot: 40 entities" in capsys.readouterr().out
    assert FeatureHistory.objects.count() == 40 * len(feature_sets(entity="plot"))
