"""`up`: from nothing to a running Millrace, and back when it is told to stop."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from launcher import kept
from launcher.report import LaunchError, log_file, say
from launcher.services import Services, data_folder, services
from launcher.supervisor import Program, Supervisor

APPLICATION = "millrace_app"


def up(folder: Path) -> int:
    """Run Millrace until a signal comes (0) or a part of it ends (1). Raises LaunchError."""
    started = time.monotonic()
    port = web_port()
    if not Path("manage.py").is_file():
        raise LaunchError("There is no manage.py here. Start from the project's folder.")
    with data_folder(folder) as data:
        if not kept.is_free(port):
            raise LaunchError(f"Port {port} is taken by another program. Set MILLRACE_PORT to a free one.")
        with services(data) as running:
            say(str(running))
            owner = {**running.environment, "MILLRACE_PORT": str(port), "PYTHONUNBUFFERED": "1"}
            manage(data, owner, "migrate", "--no-input")
            say("Database: migrated.")
            environment = as_application(data, owner, running)
            manage(data, environment, "bootstrap", aloud=True)

            def show() -> None:
                manage(data, environment, "showcase", aloud=True, must_work=False)
                say(f"Ready after {time.monotonic() - started:.0f} s: http://127.0.0.1:{port}/ (logs in {folder}/logs)")
                say("Ctrl-C stops everything; the data stays.")

            supervisor = Supervisor(programs(data, environment), running.servers, port, show)
            supervisor.loop()
            if supervisor.culprit:
                sentence = f"{supervisor.culprit.name} ended by itself or never got ready; all was stopped."
                raise LaunchError(sentence, supervisor.culprit.log)
    say("Stopped.")
    return 0


def as_application(data: Path, owner: dict[str, str], running: Services) -> dict[str, str]:
    """The environment of what serves: where PostgreSQL is ours, as a role that cannot change the audit trail."""
    if not any(server.name == "PostgreSQL" for server in running.servers):
        return owner
    password = kept.password(data / "application.password")
    manage(data, {**owner, "APPLICATION_PASSWORD": password}, "grant_application", APPLICATION)
    place = owner["DATABASE_URL"].rpartition("@")[2]
    return {**owner, "DATABASE_URL": f"postgres://{APPLICATION}:{password}@{place}"}


def web_port() -> int:
    given = os.environ.get("MILLRACE_PORT") or "8000"
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise LaunchError(f"MILLRACE_PORT must be a number from 1 to 65535, not {given!r}.")
    return int(given)


def manage(data: Path, environment: dict[str, str], *command: str, aloud: bool = False, must_work: bool = True) -> None:
    """Run a manage.py command to its end; its output goes to the console (`aloud`) or to its log."""
    log = log_file(data, command[0])
    with log.open("ab") as file:
        line = [sys.executable, "manage.py", *command]
        out, errors = (None, None) if aloud else (file, file)
        done = subprocess.run(line, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
    if done.returncode and must_work:
        raise LaunchError(f"manage.py {command[0]} failed.", None if aloud else log)
    if done.returncode:
        say(f"manage.py {command[0]} failed; the rest runs.")


def programs(data: Path, environment: dict[str, str]) -> list[Program]:
    python = sys.executable
    metrics = data / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # numbers of processes that are gone
    metrics.mkdir()
    web = [python, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    return [
        Program("web", web, log_file(data, "web"), {**environment, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}, 20),
        Program("workers", [python, "manage.py", "workers"], log_file(data, "workers"), environment, 40),
        Program("scheduler", [python, "manage.py", "scheduler"], log_file(data, "scheduler"), environment, 15),
    ]
