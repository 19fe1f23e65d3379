#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it works with what `make up` started."""

import os
import sys
from pathlib import Path

from launcher.kept import read_environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    join_running()
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None):
            raise  # PostgreSQL answered, and that is what it said
        said = str(error).strip().partition("\n")[0]
        sys.exit(f"PostgreSQL does not answer ({said}). Start everything with `make up`, or set DATABASE_URL.")


def join_running() -> None:
    """Take the servers and secrets of the data folder, but for what the environment sets."""
    data = Path(os.environ.get("MILLRACE_DATA") or ".data")
    if os.environ.get("DATABASE_URL") or os.environ.get("MILLRACE_ENV") == "production":
        return
    if servers := read_environment(data / "services.env"):
        for name, value in {**servers, **read_environment(data / "secrets.env")}.items():
            os.environ[name] = os.environ.get(name) or value


if __name__ == "__main__":
    main()
