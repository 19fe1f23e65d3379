"""What became of a loan's instalments, as a panel of its page."""

from __future__ import annotations

from base.panels import BAD, GOOD, IDLE, Panel, Table, badge, when
from loans.models import Loan, LoanPayment

KINDS = {LoanPayment.Kind.PAID: GOOD, LoanPayment.Kind.MISSED: BAD}


def instalments_panel(loan: Loan) -> list[Panel]:
    """Nothing for a loan whose instalments are not known."""
    rows = []
    for one in loan.instalments.prefetch_related("payments"):
        last = max(one.payments.all(), key=lambda payment: payment.happened_at, default=None)
        state = badge(last.kind, KINDS[LoanPayment.Kind(last.kind)]) if last else badge("due", IDLE)
        rows.append((one.number, one.due_date, f"{one.amount:,.2f}", state, when(last.happened_at if last else None)))
    headers = ["Number", "Due", "Amount", "State", "At"]
    return [Table(title="Instalments", headers=headers, rows=rows)] if rows else []
