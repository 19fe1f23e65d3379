"""Fair use, counted in Redis. Fairness only: when Redis is away nobody is refused and nobody waits."""

from __future__ import annotations

import logging
import time
from typing import Any

from redis.exceptions import RedisError
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, UserRateThrottle

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


class AnonThrottle(_FairUse, AnonRateThrottle):
    pass


class UserThrottle(_FairUse, UserRateThrottle):
    pass


class ScopedThrottle(_FairUse, ScopedRateThrottle):
    """A tighter limit for one endpoint: the view sets `throttle_scope`."""
