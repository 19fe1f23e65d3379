"""Redis goes while people ask for loans: they notice nothing, and the work is done when it is back."""

import os
import signal
import statistics
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from launcher.redis import redis as run_redis
from tasks import bell
from tasks.models import Task
from tests import makers
from tests.garden import tasks as garden
from tests.processes import eventually

ADDED_S = 0.2


def test_what_redis_can_add_to_one_request_is_bounded(settings):
    """One look of the throttle and one ring, each tried once: the worst request, before both know that it is away."""
    throttle = settings.CACHES["default"]["OPTIONS"]
    assert throttle["socket_timeout"] + bell.RING_TIMEOUT_S < ADDED_S
    assert throttle["socket_connect_timeout"] <= throttle["socket_timeout"] and not throttle["retry_on_error"]


@contextmanager
def own_redis(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    with run_redis(folder, throwaway=True) as server:
        yield server


def seconds_of_a_loan(site) -> float:
    from accounts.services import open_session

    token = open_session(user=makers.user()).access_token
    started = time.perf_counter()
    answer = site.call("POST", "loans/request", token=token, json={"requested_amount": 9000, "purpose": "car"})
    elapsed = time.perf_counter() - started
    assert answer.status_code == 201 and answer.json()["background_task_queued"] is True
    assert Task.objects.filter(pk=answer.json()["task_id"]).exists()
    return elapsed


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_loan_succeeds_with_redis_gone_or_hanging_and_its_task_runs_later(site, tmp_path, how):
    with own_redis(tmp_path / "redis") as server:
        address = {"REDIS_URL": server.url}
        site.serve(**address)
        site.processes.worker(**address)
        site.processes.scheduler(**address, TASK_RESEND_S="1")
        usual = statistics.median(seconds_of_a_loan(site) for _ in range(7))
        eventually(lambda: not Task.objects.exclude(status="completed").exists(), log=site.processes.log)

        os.kill(server.process.pid, how)
        away = [seconds_of_a_loan(site) for _ in range(12)]
        assert statistics.median(away) - usual < ADDED_S, (usual, away)
        waiting = Task.objects.filter(status="pending", name="features.compute_features")  # periodic ones may join
        assert waiting.count() == 12
        assert "wake-up failed" in site.processes.log.read_text()

        if how == signal.SIGSTOP:
            os.kill(server.process.pid, signal.SIGCONT)
            eventually(lambda: not Task.objects.exclude(status="completed").exists(), log=site.processes.log)
            return
    with own_redis(tmp_path / "redis"):  # on the same port, and empty
        site.processes.worker(**address)  # a worker without Redis waits or ends; its supervisor starts another
        eventually(lambda: not Task.objects.exclude(status="completed").exists(), log=site.processes.log)
    assert Task.objects.filter(attempt__gt=1).count() == 0


def test_a_worker_stops_its_task_in_time_though_redis_hangs(processes, tmp_path):
    """The watch over the work-horse, and a stop, must not wait for an answer of Redis."""
    with own_redis(tmp_path / "redis") as server:
        worker = processes.worker(REDIS_URL=server.url, MILLRACE_TEST_GRACE="1")
        result = garden.suffer.enqueue(how="nap")
        eventually(lambda: Task.objects.get(pk=result.id).status == "processing", log=processes.log)
        os.kill(server.process.pid, signal.SIGSTOP)
        os.kill(worker.pid, signal.SIGTERM)
        eventually(lambda: Task.objects.get(pk=result.id).handed_back == 1, within_s=10, log=processes.log)
        os.kill(server.process.pid, signal.SIGCONT)
        assert worker.wait(20) == 0
