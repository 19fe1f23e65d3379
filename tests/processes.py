"""Real worker and scheduler processes against the test database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


class Processes:
    """Starts commands of the product as child processes and ends them all."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.children: list[subprocess.Popen] = []

    def environment(self, **extra: str) -> dict[str, str]:
        database = connection.settings_dict
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"{url}/{database['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "MILLRACE_LOG": "INFO",
            **extra,
        }

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        """Start `manage.py COMMAND`. Its output goes to the log file that failures show."""
        child = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment(**environment),
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def worker(self, **environment: str) -> subprocess.Popen:
        """A plain django-rq worker over all queues."""
        return self.start("rqworker", *settings.QUEUES, **environment)

    def scheduler(self, **environment: str) -> subprocess.Popen:
        return self.start("scheduler", **environment)

    def kill(self, child: subprocess.Popen) -> None:
        """SIGKILL the process and whatever it forked."""
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill(child)


def eventually(check: Callable[[], Any], *, within_s: float = 30, log: Path | None = None) -> Any:
    """Wait until `check` gives something true, and return it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    tail = f"\n{log.read_text()[-3000:]}" if log and log.exists() else ""
    raise AssertionError(f"did not happen within {within_s} s{tail}")


@pytest.fixture
def processes(transactional_db, redis, tmp_path) -> Iterator[Processes]:
    made = Processes(tmp_path / "processes.log")
    yield made
    made.end()
