"""Ring for every due task nobody rang for lately, so a lost wake-up or an emptied Redis only costs time."""

import logging

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from tasks import bell, store
from tasks.definitions import registered

logger = logging.getLogger(__name__)
BATCH = 200
DEEP = 1_000  # a queue with so many rings waiting keeps its workers busy without more
DEFAULT_TIMEOUT_S = 300


def relay() -> int:
    """Send what is due; returns how many. Two relays at once share the rows between them."""
    sent = 0
    try:
        while queues := [name for name in settings.QUEUES if bell.depth(name) < DEEP]:
            with transaction.atomic():  # rows are marked as rung only if the push succeeded
                rows = store.due(queues, limit=BATCH)
                calls = []
                for task_id, queue_name, number, name in rows:
                    definition = registered(name)
                    timeout_s = definition.timeout_s if definition else DEFAULT_TIMEOUT_S
                    calls.append(bell.Ring(task_id, queue_name, number, timeout_s))
                bell.ring(calls)
            sent += len(rows)
            if len(rows) < BATCH:
                break
    except (RedisError, OSError) as error:
        logger.warning("relay waits for redis: %s", type(error).__name__)
    return sent
