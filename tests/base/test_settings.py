"""Production does not start with unsafe settings, and is clean with safe ones."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

SAFE = {
    "MILLRACE_ENV": "production",
    "SECRET_KEY": "k" * 25 + "0123456789abcdefghijABCDE",
    "JWT_KEY": "j" * 40,
    "OTP_PEPPER": "p" * 40,
    "ALLOWED_HOSTS": "millrace.example",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def manage(*command: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=clean | environment, capture_output=True, text=True
    )


def test_the_deployment_check_is_clean():
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SAFE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "JWT_KEY", "OTP_PEPPER"])
def test_production_refuses_to_start_without_a_secret(missing):
    done = manage("check", **{name: value for name, value in SAFE.items() if name != missing})
    assert done.returncode != 0 and f"{missing} must be set" in done.stderr


def test_production_refuses_a_secret_of_djangos_template():
    assert manage("check", **SAFE | {"SECRET_KEY": "django-insecure-" + "x" * 50}).returncode != 0


def test_debug_is_off_unless_asked_for():
    code = "from django.conf import settings; print(settings.DEBUG)"
    assert manage("shell", "-c", code, **SAFE).stdout.split()[-1] == "False"
