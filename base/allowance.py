"""How often something may still happen: counted in Redis for all processes, taken from there in small portions.

A window begins with the first take and allows `limit` of them, never more. Most takes are answered from what this
process holds already; what it holds and does not use is lost to the others, at most one portion at a time.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.cache import caches

PORTIONS = 50  # of a limit
MOST_KEPT = 10_000
REFUSED = -1

# KEYS: the count. ARGV: the portion, the window in milliseconds. Returns how many were given out, and what is left of
# the window in milliseconds.
TAKE = """
local given = redis.call('INCRBY', KEYS[1], ARGV[1])
if given == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {given, redis.call('PTTL', KEYS[1])}
"""


@dataclass(frozen=True, slots=True)
class _Held:
    left: int
    until: float


_held: dict[str, _Held] = {}
_lock = threading.Lock()


def take(name: str, *, limit: int, window_s: int) -> float:
    """Take one. Returns 0, or in how many seconds there will be more. Raises RedisError and OSError."""
    now = time.monotonic()
    with _lock:
        held = _held.get(name)
        if held is not None and now < held.until and held.left:
            if held.left == REFUSED:
                return held.until - now
            _held[name] = _Held(held.left - 1, held.until)
            return 0
    portion = max(1, limit // PORTIONS)
    given, left_ms = _script()(keys=[f"millrace:{name}"], args=[portion, window_s * 1000])
    got = min(portion, limit - (given - portion))
    until = now + max(left_ms, 1) / 1000  # `now` was before Redis looked, so it ends here no later than there
    _hold(name, got, until)
    return 0 if got > 0 else until - now


def _hold(name: str, got: int, until: float) -> None:
    with _lock:
        held = _held.get(name)  # another thread may have asked at the same time
        kept = held.left if held and held.left > 0 and time.monotonic() < held.until else 0
        left = kept + got - 1 if got > 0 else kept or REFUSED
        _held.pop(name, None)
        if len(_held) >= MOST_KEPT:
            del _held[next(iter(_held))]
        _held[name] = _Held(left, until)


def forget() -> None:
    """Give up what this process holds, for tests that empty Redis."""
    with _lock:
        _held.clear()


@cache
def _script() -> Any:
    """One client for all threads; Django's cache would make one at each call."""
    return caches["default"]._cache.get_client(write=True).register_script(TAKE)  # type: ignore[attr-defined]
