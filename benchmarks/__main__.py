"""`python -m benchmarks [NAME …] [--quick] [--entities N] [--rate N] [--json FILE]`."""

import argparse
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

SUBJECTS = ["loan_request", "inference", "backfill", "ingest", "tasks", "task_pages", "task_scale", "export"]
SUBJECTS += ["loan_held", "feature_serving", "feature_backfill", "feature_training", "feature_ingest", "reports"]
SUBJECTS += ["recordings", "claims"]
ON_REQUEST = ["task_peers", "feature_peers"]  # they install what the product does not need
DATABASE, REDIS_DATABASE = "bench", "/13"
UNLIMITED = dict.fromkeys([f"THROTTLE_{name}" for name in ("ANON", "USER", "LOAN", "EVENTS", "REPORT")], "1000000/min")


def main() -> int:
    options = parser().parse_args()
    if os.environ.get("MILLRACE_ENV") == "production" or not {"DATABASE_URL", "REDIS_URL"} <= set(os.environ):
        print("Run it with `make bench`, beside servers of its own: it drops and makes a database.", file=sys.stderr)
        return 2
    server = os.environ["DATABASE_URL"]
    os.environ |= UNLIMITED | {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": with_path(server, f"/{DATABASE}"),
        "REDIS_URL": with_path(os.environ["REDIS_URL"], REDIS_DATABASE),
        "MILLRACE_LOG": "warning",
        "NUM_PROXIES": "1",  # every borrower comes from an address of its own, or the velocity rules would refuse them
    }
    return run(server, options)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Millrace beside its floors.")
    names = f"{', '.join(SUBJECTS)}; only when named: {', '.join(ON_REQUEST)}"
    result.add_argument("names", nargs="*", choices=[*SUBJECTS, *ON_REQUEST, []], metavar="NAME", help=names)
    result.add_argument("--quick", action="store_true", help="small data, few rounds: does it run, and roughly how")
    result.add_argument(
        "--entities",
        type=int,
        help="entities of 50 events each for both backfills (20,000; quick 2,000)",
    )
    result.add_argument("--rate", type=int, help="requests a second of loan_held (200)")
    result.add_argument("--json", type=Path, help="also write the figures to this file")
    return result


def run(server: str, options: argparse.Namespace) -> int:
    import django

    django.setup()
    from benchmarks import measure

    scale = measure.Scale(options.quick, options.entities, options.rate)
    environment, figures = "", []
    for name in options.names or SUBJECTS:
        started = time.monotonic()
        fresh(server)
        if not environment:
            print(f"{(environment := measure.environment())}\n", flush=True)
        found = import_module(f"benchmarks.subjects.{name}").measure(scale)
        figures += [figure.as_dict() | {"subject": name} for figure in found]
        print(f"### {name}\n\n{measure.table(found)}\n\n({time.monotonic() - started:.0f} s)\n", flush=True)
    if options.json:
        report = {"environment": environment, "quick": options.quick, "figures": figures}
        options.json.write_text(json.dumps(report, indent=1))
    return 0


def fresh(server: str) -> None:
    """An empty, migrated database and an empty Redis database of our own."""
    import redis
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    connections.close_all()
    admin = psycopg2.connect(server)
    admin.autocommit = True
    with admin.cursor() as cursor:
        for attempt in range(60):  # an autovacuum worker in it is not ours to end, but soon done
            try:
                cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
                break
            except psycopg2.errors.InsufficientPrivilege:
                if attempt == 59:
                    raise
                time.sleep(1)
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    admin.close()
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    call_command("migrate", verbosity=0)


def with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path))


if __name__ == "__main__":
    sys.exit(main())
