"""Past decisions in the order they were made, a page at a time, and the cases they were made from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from loans.models import CreditDecision
from loans.policy.deciding import Case, Means
from loans.policy.facts import Asked, measure_then
from loans.policy.fraud import Facts

PAGE = 500


def machine_decisions(since: datetime | None = None) -> Iterator[list[CreditDecision]]:
    """Each request's first decision with its request; what reviewers decided later is theirs. since: then or later."""
    last = first_id_of(since or datetime.fromtimestamp(0, UTC))
    rows = CreditDecision.objects.filter(number=1).select_related("loan_request").order_by("id")
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    while page := list(rows.filter(id__gt=last)[:PAGE]):
        yield page
        last = page[-1].pk


def first_id_of(moment: datetime) -> uuid.UUID:
    """Below every id (a UUID of version 7) of rows that were made at or after a moment."""
    milliseconds = max(0, int(moment.timestamp() * 1000) - 1)
    return uuid.UUID(int=milliseconds << 80)


def case_for(decision: CreditDecision, means: Means) -> Case:
    """The case as it was, with what these means count besides measured as of the request."""
    case = Case.from_dict(decision.inputs)
    wanted = means.policy.rule_set.measures()
    missing = [one for one in wanted if one.key not in case.facts.measures]
    if not missing and "loans_out_of_order" in decision.inputs["fraud_facts"]:
        return case
    request = decision.loan_request
    measured = measure_then(
        Asked(
            request.borrower_id,
            request.requested_amount,
            request.ip,
            request.phone_hash,
            request.device_hash,
            at=request.created_at,
            request_id=request.pk,
        ),
        missing,
    )
    facts = Facts(
        requested_amount=case.facts.requested_amount,
        account_age_days=case.facts.account_age_days,
        largest_past_amount=case.facts.largest_past_amount,
        loans_out_of_order=measured.loans_out_of_order,
        measures={**case.facts.measures, **measured.measures},
    )
    return Case(case.asked_date, case.application, case.features, case.features_as_of, facts)
