"""Servers, pool and schedulers of a chaos run, and everything that can be done to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2
import redis

from launcher.postgres import postgres as run_postgres
from launcher.processes import Server
from launcher.redis import redis as run_redis
from tests.chaos.plan import Fault

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 3


class Own:
    """A server that can be started again on its port after whatever happened to it."""

    def __init__(self, start: Callable[[], AbstractContextManager[Server]]) -> None:
        self.start_server = start
        self.stack = ExitStack()
        self.start()

    def start(self) -> None:
        self.server = self.stack.enter_context(self.start_server())

    def stop(self) -> None:
        self.stack.close()

    def signal(self, number: signal.Signals) -> None:
        self.server.process.send_signal(number)

    def kill(self) -> None:
        """As when the power goes."""
        family = [psutil.Process(self.server.process.pid)]
        family += family[0].children(recursive=True)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.server.process.wait()
        psutil.wait_procs(family, timeout=10)


class World:
    def __init__(self, folder: Path, *, lease_s: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder, folder / "processes.log"
        self.postgres = Own(lambda: run_postgres(folder))
        self.redis = Own(lambda: run_redis(folder, throwaway=True))
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": self.postgres.server.url,
            "REDIS_URL": self.redis.server.url,
            "MILLRACE_DATA": str(folder),
            "MILLRACE_LOG": "WARNING",
            "TASK_LEASE_S": str(lease_s),
            "MILLRACE_TEST_GRACE": "2",
        }
        self.children: list[subprocess.Popen] = []

    def manage(self, *command: str) -> subprocess.Popen:
        child = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def start(self) -> None:
        self.pool = self.manage("workers", "--num", str(WORKERS))
        self.schedulers = [self.manage("scheduler"), self.manage("scheduler")]

    def end(self) -> None:
        """Everything, however it stands."""
        families = []
        for child in self.children:
            with suppress(psutil.NoSuchProcess):
                families += [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        for process in families:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for child in self.children:
            child.wait()
        with suppress(Exception):
            self.redis.signal(signal.SIGCONT)
        self.redis.stop()
        self.postgres.stop()

    # What can be done to it

    def inject(self, fault: Fault) -> bool:
        """Do it and, where it is an outage, end it. False: there was nothing to do it to."""
        return getattr(self, fault.name.replace(" ", "_"))(fault) is not False

    def workers(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pool.pid).children()
        return []

    def horses(self) -> list[psutil.Process]:
        found = []
        for worker in self.workers():
            with suppress(psutil.NoSuchProcess):
                found += worker.children()
        return found

    def horse_killed(self, fault: Fault) -> bool:
        return strike(self.horses(), fault.pick, signal.SIGKILL)

    def horse_stopped(self, fault: Fault) -> bool:
        return strike(self.horses(), fault.pick, signal.SIGSTOP)

    def worker_killed(self, fault: Fault) -> bool:
        return strike(self.workers(), fault.pick, signal.SIGKILL)

    def pool_killed(self, fault: Fault) -> None:
        """Whoever supervises it starts another."""
        self.pool.kill()
        self.pool.wait()
        self.pool = self.manage("workers", "--num", str(WORKERS))

    def scheduler_killed(self, fault: Fault) -> None:
        index = fault.pick % 2
        self.schedulers[index].kill()
        self.schedulers[index].wait()
        self.schedulers[index] = self.manage("scheduler")

    def backends_terminated(self, fault: Fault) -> None:
        until = time.monotonic() + fault.lasts_s
        while time.monotonic() < until:
            with suppress(psycopg2.Error):
                connection = psycopg2.connect(self.postgres.server.url)
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                connection.close()
            time.sleep(0.3)

    def redis_emptied(self, fault: Fault) -> None:
        self._redis().flushall()

    def redis_killed(self, fault: Fault) -> None:
        self.redis.kill()
        time.sleep(fault.lasts_s)
        self.redis.start()

    def redis_stopped(self, fault: Fault) -> None:
        self.redis.signal(signal.SIGSTOP)
        time.sleep(fault.lasts_s)
        self.redis.signal(signal.SIGCONT)

    def redis_full(self, fault: Fault) -> None:
        client = self._redis()
        client.config_set("maxmemory", "1")
        time.sleep(fault.lasts_s)
        client.config_set("maxmemory", "0")

    def postgres_restarted(self, fault: Fault) -> None:
        self.postgres.stop()
        time.sleep(fault.lasts_s)
        self.postgres.start()

    def postgres_killed(self, fault: Fault) -> None:
        self.postgres.kill()
        time.sleep(fault.lasts_s)
        self.postgres.start()

    def _redis(self) -> redis.Redis:
        address = urlsplit(self.redis.server.url)
        return redis.Redis(host=address.hostname or "", port=address.port or 0, password=address.password)


def strike(candidates: list[psutil.Process], pick: int, number: signal.Signals) -> bool:
    if not candidates:
        return False
    with suppress(psutil.NoSuchProcess):
        sorted(candidates, key=lambda process: process.pid)[pick % len(candidates)].send_signal(number)
        return True
    return False
