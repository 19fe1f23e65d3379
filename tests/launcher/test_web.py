"""The web server's threads: they stay with a connection while that keeps nobody waiting, and stop when told to."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from tests.launcher.standin import free_port, make_project
from tests.processes import eventually

THREADS = 8
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def web(tmp_path):
    """One process of eight threads; returns its port and the process."""
    port, project = free_port(), make_project(tmp_path / "project")
    environment = {"MILLRACE_PORT": str(port), "MILLRACE_WEB_WORKERS": "1", "TASK_STREAMS": "0"}
    child = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
        cwd=project,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=(tmp_path / "log").open("ab"),
    )
    eventually(lambda: answers(port), log=tmp_path / "log")
    yield port, child
    child.kill()
    child.wait()


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def answers(port):
    try:
        with connected(port) as connection:
            return ask(connection)
    except OSError:
        return False


def ask(connection):
    """Whether the stand-in's whole answer comes; without a length, it comes in chunks."""
    connection.sendall(GET)
    answer = b""
    while not answer.endswith(b"0\r\n\r\n"):
        answer += (part := connection.recv(4096))
        if not part:
            return False
    return b"ok" in answer


def test_one_connection_asks_again_and_again(web):
    with connected(web[0]) as connection:
        for pause in (0, 0, 0.1, 0):
            time.sleep(pause)
            assert ask(connection)


def test_more_connections_than_threads_are_all_answered(web):
    with ExitStack() as stack:
        many = [stack.enter_context(connected(web[0])) for _ in range(3 * THREADS)]
        for _ in range(3):
            for connection in many:
                assert ask(connection)


def test_it_stops_though_a_connection_is_open(web):
    port, child = web
    with connected(port) as connection:
        assert ask(connection)
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
