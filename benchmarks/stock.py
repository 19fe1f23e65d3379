"""RQ as it comes, for comparison: `python -m benchmarks.stock Worker|SimpleWorker QUEUE`. Knows nothing of Django."""

import os
import sys
import time

import psycopg2
import redis
import rq

ROW = "UPDATE bench_job SET began_at = %s, ended_at = clock_timestamp() WHERE id = %s"


def bare(number: int) -> float:
    """Returns when it began, in seconds since 1970."""
    return time.time()


def row(number: int) -> float:
    """The same, and one row of PostgreSQL over a connection of its own, as jobs usually do it."""
    started = time.time()
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute(ROW, [started, number])
    connection.close()
    return started


if __name__ == "__main__":
    kind, queue = sys.argv[1:]
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    worker = {"Worker": rq.Worker, "SimpleWorker": rq.SimpleWorker}[kind]([queue], connection=client)
    worker.work(logging_level="ERROR")
