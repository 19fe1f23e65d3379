"""The job that those with a broker run: one row of PostgreSQL, changed once."""

import os
import time

import psycopg2

ROW = "UPDATE bench_job SET began_at = %s, ended_at = clock_timestamp() WHERE id = %s"
KEPT = os.environ.get("BENCH_CONNECTION") == "kept"
_kept = None


def row(number: int) -> None:
    """Over a connection of its own, as Django's default has it; or over one that the process keeps."""
    global _kept
    started = time.time()
    connection = _kept or psycopg2.connect(os.environ["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute(ROW, [started, number])
    if KEPT:
        _kept = connection
    else:
        connection.close()
