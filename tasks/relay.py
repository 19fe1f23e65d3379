"""Ring for every queue that has due tasks, so a lost bell, a backoff that ends or an emptied Redis only costs time."""

import logging

from django.conf import settings
from redis.exceptions import RedisError

from tasks import bell, claims

logger = logging.getLogger(__name__)


def relay() -> int:
    """Ring for what is due; returns how many bells were new. However many tasks wait, a few bells stand for them."""
    rung = 0
    try:
        for queue_name, count in claims.waiting(settings.QUEUES, up_to=bell.ENOUGH).items():
            rung += bell.ring(queue_name, times=count)
    except (RedisError, OSError) as error:
        logger.warning("relay waits for redis: %s", type(error).__name__)
    return rung
