"""Try a policy on past requests: what it would have done, beside what was decided, and what that would have cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from loans.models import CreditDecision, PolicyTrial, PolicyVersion
from loans.policy.deciding import Means, decide_case
from loans.policy.past import PAGE, case_for, machine_decisions
from loans.policy.published import means_of
from loans.scorecard import InvalidInput

FLIPS_KEPT = 2_000
LOSS_GIVEN_DEFAULT = 0.45  # of unsecured loans; Basel Committee, CRE32.6
UNREADABLE = (InvalidInput, KeyError, TypeError, ValueError)


@dataclass(slots=True)
class Side:
    """One way of deciding. expected_loss: of what it approves, probability of default times amount times the share."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    approved_amount: Decimal = Decimal(0)
    expected_loss: float = 0.0

    def add(self, decided: dict[str, Any], amount: Decimal, loss_given_default: float) -> None:
        self.outcomes[decided["outcome"]] += 1
        self.reasons.update(f"{one['code']} {one['text']}" for one in decided["adverse_reasons"])
        self.flags.update(decided["fraud_flags"])
        if decided["outcome"] == CreditDecision.Outcome.APPROVED:
            self.approved_amount += amount
            self.expected_loss += decided["default_probability"] * float(amount) * loss_given_default

    def as_dict(self) -> dict[str, Any]:
        total = self.outcomes.total()
        return {
            "requests": total,
            "outcomes": {name: self.outcomes[name] for name in CreditDecision.Outcome.values},
            "rates": {n: round(self.outcomes[n] / total, 4) if total else None for n in CreditDecision.Outcome.values},
            "reasons": dict(sorted(self.reasons.items())),
            "flags": dict(sorted(self.flags.items())),
            "approved_amount": str(self.approved_amount),
            "expected_loss": round(self.expected_loss, 2),
        }


@dataclass(slots=True)
class Tried:
    """decided: what was; tried: what would be. Each in all and by the card that scored it."""

    loss_given_default: float
    decided: dict[str, Side] = field(default_factory=dict)
    tried: dict[str, Side] = field(default_factory=dict)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    flips: list[dict[str, str]] = field(default_factory=list)
    unreadable: int = 0

    def add(self, decision: CreditDecision, again: dict[str, Any]) -> None:
        amount = decision.loan_request.requested_amount
        was = {name: getattr(decision, name) for name in again}
        for sides, one in ((self.decided, was), (self.tried, again)):
            for part in ("all", one["explanation"].get("card", "none")):
                sides.setdefault(part, Side()).add(one, amount, self.loss_given_default)
        self.moves[was["outcome"], again["outcome"]] += 1
        if was["outcome"] != again["outcome"] and len(self.flips) < FLIPS_KEPT:
            self.flips.append(
                {"request": str(decision.loan_request_id), "from": was["outcome"], "to": again["outcome"]}
            )

    def report(self) -> dict[str, Any]:
        parts = sorted({*self.decided, *self.tried} - {"all"})

        def both(part: str) -> dict[str, Any]:
            return {
                "decided": self.decided.get(part, Side()).as_dict(),
                "tried": self.tried.get(part, Side()).as_dict(),
            }

        return {
            **both("all"),
            "by_card": {part: both(part) for part in parts},
            "moves": [{"from": a, "to": b, "requests": n} for (a, b), n in sorted(self.moves.items()) if a != b],
            "unreadable": self.unreadable,
        }


def try_on(
    means: Means, *, since: datetime | None, loss_given_default: float, progress: Callable[[int], None]
) -> Tried:
    """Decide past requests with these means; `progress` is told the number after each page."""
    tried, done = Tried(loss_given_default), 0
    for page in machine_decisions(since):
        for decision, again in decided_again(page, means):
            if again is None:
                tried.unreadable += 1
            else:
                tried.add(decision, again)
        done += len(page)
        progress(done)
    return tried


def decided_again(page: list[CreditDecision], means: Means) -> Iterator[tuple[CreditDecision, dict[str, Any] | None]]:
    """Each decision with what these means make of it; None where what it kept cannot be read."""
    for decision in page:
        try:
            yield decision, decide_case(case_for(decision, means), means)
        except UNREADABLE:
            yield decision, None


def run_trial(
    *,
    policy_id: int,
    since: datetime | None = None,
    loss_given_default: float = LOSS_GIVEN_DEFAULT,
    asked_by_id: int | None = None,
    task_id: str | None = None,
    progress: Callable[[float, str], None] = lambda percent, message: None,
    before_commit: Callable[[], None] = lambda: None,
) -> PolicyTrial:
    """Try a policy and store what came out; a draft is tried then. Raises UnknownPolicy.

    before_commit: the last thing in the transaction that stores.
    """
    rows = CreditDecision.objects.filter(number=1)
    expected = (rows.filter(created_at__gte=since) if since else rows).count()
    tried = try_on(
        means_of(policy_id),
        since=since,
        loss_given_default=loss_given_default,
        progress=lambda done: progress(100 * done / max(expected, PAGE), f"{done:,} of {expected:,} requests"),
    )
    with transaction.atomic():
        trial = PolicyTrial.objects.create(
            policy_id=policy_id,
            asked_by_id=asked_by_id,
            task_id=task_id,
            since=since,
            loss_given_default=loss_given_default,
            report=tried.report(),
            flips=tried.flips,
        )
        drafts = PolicyVersion.objects.filter(pk=policy_id, status=PolicyVersion.Status.DRAFT)
        drafts.update(status=PolicyVersion.Status.TRIED, tried_at=Now())
        facts = {"version": trial.policy.version, "trial": str(trial.pk), "requests": sum(tried.moves.values())}
        log_audit_event("policy_tried", "lending_policy", policy_id, facts)
        before_commit()
    return trial
