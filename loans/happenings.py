"""What loans add to a borrower's raw events, in the transaction of what happened. Each source id says what it is about,
so that telling it twice counts once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from features.services import NewEvent
from loans import events as e
from loans.models import CreditDecision, Instalment, LoanRequest

SOURCE = "loans"
DECIDED: dict[str, type[e.LoanDecided]] = {
    CreditDecision.Outcome.APPROVED: e.LoanApproved,
    CreditDecision.Outcome.REVIEW: e.LoanReferred,
    CreditDecision.Outcome.DECLINED: e.LoanDeclined,
}


def requested(request: LoanRequest) -> NewEvent:
    data = {"request_id": str(request.id), "requested_amount": f"{request.requested_amount:.2f}"}
    return _event(e.LoanRequested, request, f"request:{request.id}", request.created_at, data)


def decided(request: LoanRequest, decision: CreditDecision) -> NewEvent:
    data = {"request_id": str(request.id), "decision": decision.number}
    name = f"decision:{request.id}:{decision.number}"
    return _event(DECIDED[decision.outcome], request, name, decision.created_at, data)


def repaid(instalment: Instalment, at: datetime) -> NewEvent:
    late = max(0, (at.date() - instalment.due_date).days)
    return _of_instalment(e.InstalmentRepaid, instalment, "repaid", at, {"days_late": late})


def missed(instalments: Iterable[tuple[Instalment, datetime]]) -> list[NewEvent]:
    return [_of_instalment(e.InstalmentMissed, one, "missed", at, {}) for one, at in instalments]


def _of_instalment(kind: Any, instalment: Instalment, word: str, at: datetime, more: dict[str, Any]) -> NewEvent:
    request = instalment.loan.request
    if request is None:
        raise ValueError("Only loans that were asked for here have instalments.")
    data = {"request_id": str(request.id), "instalment": instalment.number, "amount": str(instalment.amount)}
    return _event(kind, request, f"{word}:{request.id}:{instalment.number}", at, data | more)


def _event(kind: Any, request: LoanRequest, source_id: str, at: datetime, data: dict[str, Any]) -> NewEvent:
    return NewEvent(
        source=SOURCE,
        source_id=source_id,
        event_type=kind.name,
        entity_id=str(request.borrower_id),
        event_time=at,
        data=data,
    )
