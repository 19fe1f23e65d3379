"""The challenger: decides behind each request what the active policy decided, and tells nobody outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q

from loans.models import CreditDecision, PolicyVersion, ShadowDecision
from loans.policy.past import PAGE, first_id_of
from loans.policy.published import means_of
from loans.policy.trial import decided_again

LATE = timedelta(minutes=10)  # a request may be seen this much after others that began later
PAGES = 100  # in one run


def shadow_decisions(*, before_commit: Callable[[], None] = lambda: None) -> dict[str, int]:
    """Decide with the challenger what was asked since it began, oldest first. before_commit: last in each transaction.

    Decisions that cannot be read again are counted, and passed over once younger ones are done.
    """
    challenger = PolicyVersion.objects.filter(is_challenger=True).first()
    done = unreadable = 0
    if challenger is None or challenger.challenger_since is None:
        return {"decided": 0, "unreadable": 0}
    means, begin = means_of(challenger.pk), challenger.challenger_since
    newest = ShadowDecision.objects.filter(policy=challenger).aggregate(newest=Max("asked_at"))["newest"]
    if newest is not None:
        begin = max(begin, newest - LATE)
    last = first_id_of(begin)
    shadowed = ShadowDecision.objects.filter(policy=challenger, decision=OuterRef("pk"))
    waiting = CreditDecision.objects.filter(~Exists(shadowed), number=1, created_at__gte=challenger.challenger_since)
    for _ in range(PAGES):
        page = list(waiting.select_related("loan_request").filter(id__gt=last).order_by("id")[:PAGE])
        if not page:
            break
        last = page[-1].pk
        with transaction.atomic():
            again = list(decided_again(page, means))
            made = [_shadow(challenger, decision, results) for decision, results in again if results is not None]
            ShadowDecision.objects.bulk_create(made, ignore_conflicts=True)
            before_commit()
        done, unreadable = done + len(made), unreadable + len(again) - len(made)
    return {"decided": done, "unreadable": unreadable}


def _shadow(challenger: PolicyVersion, decision: CreditDecision, results: dict[str, Any]) -> ShadowDecision:
    return ShadowDecision(
        decision=decision,
        policy=challenger,
        asked_at=decision.loan_request.created_at,
        outcome=results["outcome"],
        final_credit_score=results["final_credit_score"],
        default_probability=results["default_probability"],
        fraud_score=results["fraud_score"],
        fraud_flags=results["fraud_flags"],
        agrees=results["outcome"] == decision.outcome,
    )


def compared(policy: PolicyVersion) -> dict[str, Any]:
    """How often a challenger agrees, and how its outcomes move."""
    shadows = ShadowDecision.objects.filter(policy=policy)
    figures = shadows.aggregate(requests=Count("id"), agreed=Count("id", filter=Q(agrees=True)))
    moves = shadows.values("decision__outcome", "outcome").annotate(requests=Count("id")).order_by("-requests")
    return figures | {
        "agreement": round(figures["agreed"] / figures["requests"], 4) if figures["requests"] else None,
        "moves": [
            {"from": one["decision__outcome"], "to": one["outcome"], "requests": one["requests"]}
            for one in moves
            if one["decision__outcome"] != one["outcome"]
        ],
    }
