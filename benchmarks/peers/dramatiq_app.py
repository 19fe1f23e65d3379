"""Dramatiq over Redis: `dramatiq benchmarks.peers.dramatiq_app`; `python -m benchmarks.peers.dramatiq_app COUNT`."""

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import job

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def row(number: int) -> None:
    job.row(number)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        row.send(number)
