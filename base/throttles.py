"""Fair use, counted in Redis. Fairness only: when Redis is away nobody is refused and nobody waits."""

from __future__ import annotations

import logging
import time
from typing import Any

from redis.exceptions import RedisError
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, SimpleRateThrottle, UserRateThrottle

from base import allowance

logger = logging.getLogger(__name__)
_skip_until = 0.0
SKIP_S = 5.0


class _Window(SimpleRateThrottle):
    """So many requests in a window that begins with the first of them."""

    duration: int  # seconds
    num_requests: int
    wait_s = 0.0

    def allow_request(self, request: Any, view: Any) -> bool:
        global _skip_until
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None or time.monotonic() < _skip_until:
            return True
        try:
            self.wait_s = allowance.take(key, limit=self.num_requests, window_s=self.duration)
        except (RedisError, OSError) as error:
            # Not asked again for a few seconds, so that a hanging Redis costs one request, not all.
            _skip_until = time.monotonic() + SKIP_S
            logger.warning("throttle skipped, redis is away: %s", type(error).__name__)
        return not self.wait_s

    def wait(self) -> float:
        return max(self.wait_s, 1)


class AnonThrottle(AnonRateThrottle, _Window):
    pass


class UserThrottle(UserRateThrottle, _Window):
    pass


class ScopedThrottle(ScopedRateThrottle, _Window):
    """A tighter limit for one endpoint: the view sets `throttle_scope`."""
