"""Celery over Redis: `celery -A benchmarks.peers.celery_app worker`; `python -m benchmarks.peers.celery_app COUNT`."""

import os
import sys

from celery import Celery

from benchmarks.peers import job

app = Celery("bench", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=(late := os.environ.get("BENCH_ACKS") == "late"),
    task_reject_on_worker_lost=late,
    broker_connection_retry_on_startup=True,
)


@app.task(name="bench.row")
def row(number: int) -> None:
    job.row(number)


if __name__ == "__main__":
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(int(sys.argv[1])):
            row.apply_async([number], producer=producer)
