"""When a periodic task is due: its slots are points of time in UTC, the same for every scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from croniter import croniter


class Rhythm(Protocol):
    def latest(self, now: datetime) -> datetime:
        """The newest slot not after `now`."""

    def following(self, slot: datetime) -> datetime:
        """The first slot after `slot`."""


@dataclass(frozen=True, slots=True)
class Every:
    """Slots at the multiples of an interval since 1970."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval < timedelta(seconds=1):
            raise ValueError("a rhythm has whole seconds, at least one")

    def latest(self, now: datetime) -> datetime:
        seconds = int(self.interval.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)

    def following(self, slot: datetime) -> datetime:
        return self.latest(slot) + self.interval

    def __str__(self) -> str:
        return f"every {self.interval.total_seconds():g} s"


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots of a cron expression with five fields, in UTC."""

    expression: str

    def __post_init__(self) -> None:
        if len(self.expression.split()) != 5 or not croniter.is_valid(self.expression):
            raise ValueError(f"not a cron expression of five fields: {self.expression!r}")

    def latest(self, now: datetime) -> datetime:
        # From just after `now`: croniter's previous slot is strictly before its start.
        return croniter(self.expression, now + timedelta(microseconds=1)).get_prev(datetime)

    def following(self, slot: datetime) -> datetime:
        return croniter(self.expression, slot).get_next(datetime)

    def __str__(self) -> str:
        return self.expression
