"""A plain model of one task, which the state machine holds the real row to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tasks import store
from tasks.models import TERMINAL, Status
from tests.garden import tasks as garden

QUEUES = ["high", "default", "low"]
NAMES = {"garden.note": garden.note, "garden.narrow": garden.narrow}
DECLARED = {"garden.narrow": 2}
LATER = timedelta(hours=1)
SHOWN = ["status", "attempt", "handed_back", "crashes", "queue_name", "priority", "max_attempts"]
ARROWS = {
    (Status.PENDING, Status.PROCESSING), (Status.PENDING, Status.CANCELLED), (Status.PROCESSING, Status.PENDING),
    (Status.PROCESSING, Status.COMPLETED), (Status.PROCESSING, Status.FAILED), (Status.PROCESSING, Status.CANCELLED),
}  # fmt: skip


@dataclass
class Row:
    """What must be true of one task."""

    name: str
    queue_name: str
    priority: int
    max_attempts: int
    unique_key: str | None = None
    coalesce_key: str | None = None
    due: bool = True
    status: str = Status.PENDING
    attempt: int = 0
    handed_back: int = 0
    crashes: int = 0
    cancel: bool = False
    lease_out: bool = False
    discarded: bool = False
    retried: bool = False
    claim: store.Claim | None = None
    worker: str = ""
    outcomes: list[str] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.status not in TERMINAL

    def answers(self, unique_key: str | None, coalesce_key: str | None) -> bool:
        waits = self.status == Status.PENDING and self.attempt == 0
        return bool(
            (unique_key and self.live and self.unique_key == unique_key)
            or (coalesce_key and waits and self.coalesce_key == coalesce_key)
        )

    def ends(self, status: str, outcome: str) -> None:
        self.status, self.claim = status, None
        self.due, self.lease_out = False, False
        self.outcomes.append(outcome)

    def taken(self, outcome: str) -> None:
        """Its worker is gone."""
        free = outcome == "handed_back" and self.handed_back < store.MAX_HANDED_BACK
        spent = self.attempt - self.handed_back >= self.max_attempts
        poison = outcome == "crashed" and self.crashes + 1 >= store.MAX_CRASHES
        self.crashes += outcome == "crashed"
        self.handed_back += free
        if self.cancel:
            self.ends(Status.CANCELLED, "cancelled")
        else:
            self.ends(Status.FAILED if not free and (spent or poison) else Status.PENDING, outcome)
