import os
import pwd
import signal
import stat
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from launcher.processes import is_alive
from tests.launcher.standin import PACKAGES, Launcher, make_project, remove

LOOK = """
import os, psycopg2
cursor = psycopg2.connect(os.environ["DATABASE_URL"]).cursor()
for name in ("fsync", "data_checksums", "is_superuser"):
    cursor.execute(f"SHOW {name}")
    print(name, cursor.fetchone()[0])
print(os.environ["REDIS_URL"])
raise SystemExit(7)
"""


@pytest.fixture
def project(tmp_path):
    yield make_project(tmp_path / "project")
    remove(tmp_path / "project")


def test_run_gives_both_addresses_and_passes_the_exit_code_on(project):
    code, text = Launcher(project, "run", "--", sys.executable, "-c", LOOK).ends()
    assert code == 7
    assert "fsync on\ndata_checksums on\nis_superuser off\nredis://:" in text


def test_throwaway_servers_are_fast_and_unsafe(project):
    text = Launcher(project, "run", "--throwaway", "--data", "other", "--", sys.executable, "-c", LOOK).ends()[1]
    assert "fsync off" in text
    assert (project / "other/postgres").exists() and not (project / ".data").exists()


def test_servers_of_the_environment_are_used_and_none_is_started(project):
    given = {"DATABASE_URL": "postgres://a@example/b", "REDIS_URL": "redis://example/0"}
    code, text = Launcher(project, "run", "--", "printenv", *given, environment=given).ends()
    assert (code, text.split()) == (0, list(given.values()))
    assert not (project / ".data/postgres").exists() and not (project / ".data/redis").exists()


def test_secrets_are_made_once_and_nobody_else_reads_them(project):
    secrets = [Launcher(project, "run", "--", "printenv", "SECRET_KEY").ends()[1] for _ in range(2)]
    assert secrets[0] == secrets[1] and len(secrets[0]) > 50
    for name in ("secrets.env", "postgres.password", "redis.password", "redis/redis.conf"):
        assert stat.S_IMODE((project / ".data" / name).stat().st_mode) == 0o600


def test_what_the_command_leaves_running_is_ended(project):
    background = f"{sys.executable} -c 'import time; time.sleep(600)' & echo $!"
    code, text = Launcher(project, "run", "--", "sh", "-c", background).ends()
    assert code == 0 and (not psutil.pid_exists(int(text)) or not is_alive(psutil.Process(int(text))))


def test_a_server_killed_with_everything_starts_again_with_its_data(project):
    write = "import os, psycopg2; c = psycopg2.connect(os.environ['DATABASE_URL']); c.autocommit = True; "
    write += (
        "k = c.cursor(); k.execute('CREATE TABLE IF NOT EXISTS t (n int)'); k.execute('INSERT INTO t VALUES (1)'); "
    )
    write += (
        "k.execute('SELECT count(*) FROM t'); print('rows', k.fetchone()[0], flush=True); import time; time.sleep({})"
    )
    killed = Launcher(project, "run", "--", sys.executable, "-c", write.format(60))
    killed.says("rows 1")
    for process in [*killed.children(), psutil.Process(killed.process.pid)]:
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's own children go with it
            process.kill()

    code, text = Launcher(project, "run", "--", sys.executable, "-c", write.format(0)).ends()

    assert (code, text) == (0, "rows 2\n")


def test_remove_deletes_the_data(project):
    Launcher(project, "run", "--", "true").ends()
    home = (project / ".data/postgres").resolve()
    assert home.exists()
    assert Launcher(project, "remove").ends()[0] == 0
    assert not home.exists() and not (project / ".data").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_start_too(project):
    nobody = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
    if not (python := python_for(nobody)):
        pytest.skip("no Python that an ordinary user can reach")
    for folder in project.parents:
        if folder.name.startswith("pytest-of-"):
            break
    for ours in (folder, *(parent for parent in project.parents if folder in parent.parents)):
        ours.chmod(0o755)  # pytest keeps its folders to itself
    subprocess.run(["chown", "-R", "nobody", str(project)], check=True)

    launcher = Launcher(project, "up", python=python, **nobody)

    launcher.says("Ready after")
    assert launcher.stop(signal.SIGTERM)[0] == 0
    assert (project / ".data/postgres/data").owner() == "nobody"


def python_for(user: dict) -> str | None:
    """Ours, or the system's of the same version; None if the user can start neither with our packages."""
    for python in (sys.executable, "/usr/bin/python3"):
        same = f"import sys, honcho; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        try:
            if subprocess.run([python, "-c", same], env={"PYTHONPATH": PACKAGES}, cwd="/", **user).returncode == 0:
                return python
        except OSError:
            pass
    return None
