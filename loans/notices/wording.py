"""What a notice of adverse action says. Pure: facts in, texts out.

Source: 12 CFR 1002.9: within 30 days of the application (a)(1), the action taken, the creditor's name and address, the
words about the Equal Credit Opportunity Act (b)(1), and the specific principal reasons (b)(2). Nothing here comes from
the fraud rules' evidence: a reason is one of the catalogue, by its public words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.template.loader import render_to_string

from loans.counteroffer import NOTICE_DUE

ECOA = (
    "The federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit applicants on "
    "the basis of race, color, religion, national origin, sex, marital status, age (provided the applicant has the "
    "capacity to enter into a binding contract); because all or part of the applicant's income derives from any "
    "public assistance program; or because the applicant has in good faith exercised any right under the Consumer "
    "Credit Protection Act. The federal agency that administers compliance with this law concerning this creditor is:"
)


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """lowered_score: the reasons that cost points, the dearest first. counter_offer: as in the decision's explanation.

    score_range: the least and the most there is.
    """

    reference: str
    lender: str
    lender_address: str
    agency: str
    requested_at: datetime
    requested_amount: Any
    purpose: str
    term_months: int
    decided_at: datetime
    reasons: tuple[str, ...]
    lowered_score: tuple[str, ...]
    score: int
    score_range: tuple[int, int]
    counter_offer: dict[str, Any] | None

    @property
    def due_date(self) -> date:
        return due_date(self.requested_at)

    @property
    def subject(self) -> str:
        return f"Your loan application of {self.requested_at:%d %B %Y}"


@dataclass(frozen=True, slots=True)
class Wording:
    subject: str
    text: str
    html: str

    @property
    def sha256(self) -> str:
        """Of subject, text and page together, hexadecimal."""
        return hashlib.sha256("\x00".join((self.subject, self.text, self.html)).encode()).hexdigest()


def due_date(requested_at: datetime) -> date:
    return (requested_at + NOTICE_DUE).date()


def worded(facts: NoticeFacts) -> Wording:
    given = {"facts": facts, "ecoa": ECOA}
    return Wording(
        facts.subject, render_to_string("loans/notice.txt", given), render_to_string("loans/notice.html", given)
    )
