"""manage.py beside `make up`: it finds the servers that run, and says what to do when none do."""

import os
import subprocess
import sys

import pytest

from tests.launcher.standin import free_port
from tests.processes import ROOT

ASK = "from django.conf import settings; from django.db import connection; cursor = connection.cursor(); "
ASK += "cursor.execute('SELECT 40 + 2'); "
ASK += "print('answered', cursor.fetchone(), settings.REDIS_URL, settings.JWT_KEY)"

SET_ASIDE = {"DATABASE_URL", "JWT_KEY", "DJANGO_SETTINGS_MODULE"}


@pytest.fixture
def manage(tmp_path):
    """Run manage.py without DATABASE_URL, its data folder being tmp_path."""

    def run(*command):
        clean = {name: value for name, value in os.environ.items() if name not in SET_ASIDE}
        environment = clean | {"MILLRACE_DATA": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/7"}
        line = [sys.executable, str(ROOT / "manage.py"), *command]
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_it_joins_what_runs_and_leaves_what_the_environment_sets(manage, tmp_path):
    secret = "j" * 40
    (tmp_path / "services.env").write_text(f"DATABASE_URL={os.environ['DATABASE_URL']}\nREDIS_URL=redis://nowhere/0\n")
    (tmp_path / "secrets.env").write_text(f"JWT_KEY={secret}\n")
    done = manage("shell", "-c", ASK)
    assert f"answered (42,) redis://127.0.0.1:1/7 {secret}" in done.stdout, done.stderr


def test_without_a_database_it_is_one_line_that_names_make_up(manage, tmp_path):
    (tmp_path / "services.env").write_text(f"DATABASE_URL=postgres://a:b@127.0.0.1:{free_port()}/x\n")
    done = manage("migrate", "--check")
    assert done.returncode == 1 and "make up" in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_postgresql_says_is_not_taken_for_silence(manage, tmp_path):
    (tmp_path / "services.env").write_text(f"DATABASE_URL={os.environ['DATABASE_URL']}\n")
    slow = ASK.replace("SELECT 40 + 2", "SET statement_timeout = 10; SELECT pg_sleep(5)")
    done = manage("shell", "-c", slow)
    assert done.returncode == 1 and "statement timeout" in done.stderr and "make up" not in done.stderr
