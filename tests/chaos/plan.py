"""What will be asked of the system and done to it: drawn from a seed alone."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Any

KINDS = {"plain": 64, "temporary": 10, "permanent": 5, "slow": 6, "crashing": 2, "poison": 1, "late": 1, "cancelled": 6,
         "keyed": 5}  # fmt: skip
FAULTS = [
    *("horse killed", "horse stopped", "worker killed", "pool killed", "scheduler killed", "backends terminated"),
    *("redis emptied", "redis killed", "redis stopped", "redis full", "postgres restarted", "postgres killed"),
]
QUEUES = ["high", "default", "low"]


@dataclass(frozen=True)
class Ask:
    """One task to enqueue. `key`: its unique key."""

    name: str
    kind: str
    task: str
    queue: str
    priority: int
    kwargs: tuple[tuple[str, Any], ...] = ()
    key: str | None = None


@dataclass(frozen=True)
class Fault:
    """What is done, on which of the candidates, for how long, and the calm before it."""

    name: str
    pick: int
    lasts_s: float
    calm_s: float


@dataclass(frozen=True)
class Plan:
    asks: list[Ask]
    faults: list[Fault]

    @property
    def checksum(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


def draw(seed: int, tasks: int) -> Plan:
    """Every fault comes at least once, in an order of the seed; then one more for each 150 tasks."""
    rng = random.Random(seed)
    kinds = rng.choices(list(KINDS), weights=list(KINDS.values()), k=tasks)
    asks = [_ask(rng, number, kind) for number, kind in enumerate(kinds)]
    names = rng.sample(FAULTS, len(FAULTS)) + rng.choices(FAULTS, k=max(0, tasks // 150 - len(FAULTS)))
    faults = [Fault(name, rng.randrange(1000), round(rng.uniform(0.3, 2), 2), round(rng.uniform(0, 1), 2))
              for name in names]  # fmt: skip
    return Plan(asks, faults)


def _ask(rng: random.Random, number: int, kind: str) -> Ask:
    task, kwargs, key = "weather", {}, None
    if kind == "temporary":
        kwargs = {"failures": rng.randint(1, 2)}
    elif kind == "permanent":
        kwargs = {"permanent": True}
    elif kind in ("slow", "cancelled"):
        kwargs = {"seconds": round(rng.uniform(0.05, 0.6), 2)}
    elif kind in ("crashing", "poison"):
        task, kwargs = "lightning", {"strikes": 1 if kind == "crashing" else 99}
    elif kind == "late":
        task = "drought"
    elif kind == "keyed":
        key = f"key {rng.randrange(9)}"
    return Ask(f"ask {number}", kind, task, rng.choice(QUEUES), rng.randint(-2, 2), tuple(kwargs.items()), key)
