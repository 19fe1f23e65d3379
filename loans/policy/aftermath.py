"""What follows from a decision that does not approve: a counter-offer if there is one, when a notice is due. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from loans import rules
from loans.counteroffer import NOTICE_DUE, find_counter_offer
from loans.policy.deciding import Case, Means, judge


def aftermath(case: Case, means: Means, decided: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of the explanation; a counter-offer never to a request that was flagged."""
    if decided["outcome"] == rules.APPROVED or case.asked_date is None:
        return {}
    follows: dict[str, Any] = {"notice_due_date": (case.asked_date + NOTICE_DUE).isoformat()}
    if not decided["fraud_flags"]:
        found = find_counter_offer(
            amount=case.facts.requested_amount,
            term_months=case.application.term_months,
            approves=lambda amount, term: approves(case, means, amount, term),
            today=case.asked_date,
        )
        if found:
            follows["counter_offer"] = found.as_dict()
    return follows


def approves(case: Case, means: Means, amount: Decimal, term_months: int) -> bool:
    """Whether another amount or term would have been approved, with all else as it was."""
    application = replace(case.application, requested_amount=float(amount), term_months=term_months)
    other = replace(case, application=application, facts=replace(case.facts, requested_amount=amount))
    return judge(other, means).verdict.outcome == rules.APPROVED
