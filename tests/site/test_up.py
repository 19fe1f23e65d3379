"""`make up` as a new user meets it: the real project, its own PostgreSQL and Redis, twice."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.processes import ROOT, eventually


@pytest.fixture
def start(tmp_path, redis):  # redis only marks the test as one that needs services
    children = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run() -> tuple[subprocess.Popen, Path]:
        clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        log = tmp_path / f"up-{len(children)}.log"
        child = subprocess.Popen(
            [sys.executable, "-m", "launcher", "up", "--data", str(tmp_path / "data")],
            cwd=ROOT,
            env=clean | {"MILLRACE_PORT": str(port)},
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        children.append(child)
        eventually(lambda: "Ready after" in log.read_text() or child.poll() is not None, within_s=120, log=log)
        return child, log

    run.url = f"http://127.0.0.1:{port}"
    yield run
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
            child.wait(60)


def test_it_starts_tells_its_story_stops_and_starts_again(start):
    first, log = start()
    told = log.read_text()
    assert re.search(r"Administrator: admin, password \S{12,} \(shown once\)", told)
    assert "200 synthetic borrowers" in told
    assert re.search(r"Decision +(approved|review|declined) in \d+ ms", told)
    assert re.search(r"Background task +features\.compute_features completed", told)
    assert requests.get(f"{start.url}/readyz", timeout=5).status_code == 200
    assert requests.get(f"{start.url}/admin/login/", timeout=10).status_code == 200
    os.kill(first.pid, signal.SIGINT)
    assert first.wait(60) == 0

    second, log = start()
    told = log.read_text()
    assert "Administrator" not in told and "synthetic borrowers" not in told
    assert "Decision" in told and "200 of 200 borrowers" in told
    second.send_signal(signal.SIGKILL)
    second.wait()

    third, log = start()
    assert "200 of 200 borrowers" in log.read_text()
    os.kill(third.pid, signal.SIGINT)
    assert third.wait(60) == 0
