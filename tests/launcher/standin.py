"""A project of four files in place of Millrace, so that the launcher is tested alone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sysconfig.get_path("purelib")
TIMEOUT_S = 40

MANAGE = """
import os, signal, socket, subprocess, sys, time
from urllib.parse import urlsplit
import psycopg2

def redis(command):
    url = urlsplit(os.environ["REDIS_URL"])
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(f"AUTH {url.password}\\r\\n{command} starts\\r\\nQUIT\\r\\n".encode())
        return connection.makefile().read().split()[-2]

name = sys.argv[1]
if name in ("workers", "scheduler"):
    signal.signal(signal.SIGTERM, lambda *_: (print(name, "stops", time.monotonic(), flush=True), sys.exit(0)))
    if name == "workers":  # a child in a session of its own, as a task in progress is
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    time.sleep(600)
database = psycopg2.connect(os.environ["DATABASE_URL"])
database.autocommit = True
cursor = database.cursor()
if name == "migrate":
    cursor.execute("CREATE TABLE IF NOT EXISTS start (at timestamptz DEFAULT now())")
if name == "grant_application":
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [sys.argv[2]])
    change = "CREATE" if cursor.fetchone() is None else "ALTER"
    cursor.execute(f"{change} ROLE {sys.argv[2]} LOGIN PASSWORD %s", [os.environ["APPLICATION_PASSWORD"]])
    cursor.execute(f"GRANT SELECT, INSERT ON start TO {sys.argv[2]}")
if name == "bootstrap":
    cursor.execute("INSERT INTO start DEFAULT VALUES")
    redis("INCR")
if name == "showcase":
    cursor.execute("SELECT count(*), min(current_user) FROM start")
    count, role = cursor.fetchone()
    print("starts:", count, redis("GET"), "as", role, flush=True)
"""

WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""


def make_project(folder: Path) -> Path:
    """Fill `folder` with the stand-in and the real gunicorn settings."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/__init__.py").touch()
    (folder / "config/wsgi.py").write_text(WSGI)
    (folder / "manage.py").write_text(MANAGE)
    shutil.copy(ROOT / "config/gunicorn.py", folder / "config")
    return folder


def remove(project: Path) -> None:
    """Also what lies outside: root's PostgreSQL lives elsewhere when its account cannot reach pytest's folders."""
    for data in (".data", "other"):
        Launcher(project, "remove", "--data", data).ends()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Launcher:
    """`python -m launcher …` as a person would start it in `project`; its output is read from a file."""

    def __init__(self, project: Path, *arguments: str, port: int | None = None, **popen) -> None:
        scrubbed = ("DATABASE_URL", "REDIS_URL", "MILLRACE_", "PROMETHEUS_", "DJANGO_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(scrubbed)}
        environment |= {"PYTHONPATH": f"{ROOT}:{PACKAGES}", "MILLRACE_PORT": str(port or free_port())}
        environment |= popen.pop("environment", {})
        self.output = project / "output"
        self.data = project / ".data"
        with self.output.open("w") as output:
            command = [popen.pop("python", sys.executable), "-m", "launcher", *arguments]
            self.process = subprocess.Popen(
                command, cwd=project, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **popen
            )

    def says(self, words: str) -> str:
        """The output so far, once it contains `words`."""
        give_up = time.monotonic() + TIMEOUT_S
        while words not in (text := self.output.read_text()):
            assert self.process.poll() is None and time.monotonic() < give_up, f"{words!r} is missing in:\n{text}"
            time.sleep(0.05)
        return text

    def ends(self) -> tuple[int, str]:
        """Its exit code and output."""
        return self.process.wait(TIMEOUT_S), self.output.read_text()

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(sig)
        return self.ends()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)
