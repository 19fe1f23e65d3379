"""The processes under measurement: the product's web server, and its workers or RQ's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from django.conf import settings
from django.db import connection

from launcher.kept import any_port
from launcher.processes import bound_to_me
from launcher.report import log_file


@dataclass(frozen=True, slots=True)
class Web:
    port: int
    process: psutil.Process


@contextmanager
def web_of(python: str, *arguments: str, **environment: str) -> Iterator[Web]:
    """A peer's web server; the last of its arguments is followed by its port."""
    port = any_port()
    with started(*arguments, str(port), executable=python, **environment) as process:
        _wait_until_up(port, patience_s=120)  # Feast takes a quarter of a minute on an idle machine
        yield Web(port, process)


@contextmanager
def web(settings_module: str = "benchmarks.settings") -> Iterator[Web]:
    """gunicorn as `up` starts it, on a port of its own."""
    metrics = Path(settings.DATA_DIR) / "metrics" / settings_module
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    environment = {
        "DJANGO_SETTINGS_MODULE": settings_module,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "MILLRACE_PORT": str(port := any_port()),
        "MILLRACE_LOG": "info",
    }
    with started("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi", **environment) as process:
        _wait_until_up(port)
        yield Web(port, process)


def _wait_until_up(port: int, patience_s: float = 30) -> None:
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it answers; the bare stack knows no such address
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the web server does not start")


@contextmanager
def started(*arguments: str, executable: str = sys.executable, **environment: str) -> Iterator[psutil.Process]:
    """A Python process until the end of the block."""
    log = log_file(Path(settings.DATA_DIR), "benchmarks")
    with log.open("ab") as out:
        child = subprocess.Popen(
            [executable, *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=bound_to_me(signal.SIGTERM),
        )
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def databases() -> dict[str, psutil.Process]:
    """PostgreSQL and Redis, as far as they run on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    found = {}
    try:
        parent = psutil.Process(backend).parent()
        if parent and parent.name() == "postgres":
            found["PostgreSQL"] = parent
        server = psutil.Process(int(redis.Redis.from_url(settings.REDIS_URL).info("server")["process_id"]))
        if server.name().startswith("redis"):
            found["Redis"] = server
    except psutil.Error:
        pass
    return found
