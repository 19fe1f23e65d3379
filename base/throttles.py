"""Fair use, counted in Redis. Fairness only: when Redis is away nobody is refused and nobody waits."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, SimpleRateThrottle, UserRateThrottle

logger = logging.getLogger(__name__)
_skip_until = 0.0
SKIP_S = 5.0


class _FairUse:
    def allow_request(self, request: Any, view: Any) -> bool:
        global _skip_until
        if time.monotonic() < _skip_until:
            return True
        try:
            return super().allow_request(request, view)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            # Not asked again for a few seconds, so that a hanging Redis costs one request, not all.
            _skip_until = time.monotonic() + SKIP_S
            logger.warning("throttle skipped, redis is away: %s", type(error).__name__)
            return True


class _Window(SimpleRateThrottle):
    """So many requests in a window that begins with the first of them: one number in Redis, one round trip."""

    duration: int  # seconds
    num_requests: int
    left_s: int

    def allow_request(self, request: Any, view: Any) -> bool:
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None:
            return True
        name = cache.make_key(f"{key}:used")
        asked = cache._cache.get_client(name, write=True).pipeline(transaction=False)  # type: ignore[attr-defined]
        asked.set(name, 0, ex=self.duration, nx=True)
        asked.incr(name)
        asked.ttl(name)
        _, used, self.left_s = asked.execute()
        return used <= self.num_requests

    def wait(self) -> float:
        return max(self.left_s, 1)


class AnonThrottle(_FairUse, AnonRateThrottle, _Window):
    pass


class UserThrottle(_FairUse, UserRateThrottle, _Window):
    pass


class ScopedThrottle(_FairUse, ScopedRateThrottle, _Window):
    """A tighter limit for one endpoint: the view sets `throttle_scope`."""
