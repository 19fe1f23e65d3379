"""What could be approved instead: the largest part of the amount asked for, or else a longer term. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

LEAST_SHARE = Decimal("0.2")  # of the amount asked for; less would help nobody
LEAST_AMOUNT = Decimal(1_000)  # CZK
STEPS = 10  # at most that many amounts are tried
TERMS = (36, 48, 60)
VALID = timedelta(days=30)
NOTICE_DUE = timedelta(days=30)  # 12 CFR 1002.9(a)(1): from the application on

Approves = Callable[[Decimal, int], bool]


@dataclass(frozen=True, slots=True)
class CounterOffer:
    """amount: CZK, a multiple of the step. Found with what was known at the request, so it ends with `valid_until`."""

    amount: Decimal
    term_months: int
    valid_until: date

    def as_dict(self) -> dict[str, Any]:
        return {
            "amount": int(self.amount),
            "term_months": self.term_months,
            "valid_until": self.valid_until.isoformat(),
        }


def find_counter_offer(*, amount: Decimal, term_months: int, approves: Approves, today: date) -> CounterOffer | None:
    """The largest amount at the term asked for that would be approved; else all of it at the first longer term.

    Amounts are tried one by one from the top, since a score need not fall as the amount rises. Somebody
    waits for the trials, so there are at most STEPS + len(TERMS). approves: the decision of
    the same card and policy with all else as it was.
    """
    tried = [(less, term_months) for less in amounts(amount) if less < amount]
    tried += [(whole, term) for whole in list(amounts(amount))[:1] for term in TERMS if term > term_months]
    found = next((one for one in tried if approves(*one)), None)
    return CounterOffer(*found, today + VALID) if found else None


def amounts(asked: Decimal) -> Iterator[Decimal]:
    """Multiples of the step from the asked amount downwards."""
    step = step_of(asked)
    number = int(asked / step)
    while (less := number * step) >= max(LEAST_AMOUNT, LEAST_SHARE * asked):
        yield less
        number -= 1


def step_of(asked: Decimal) -> Decimal:
    """1, 2 or 5 times a power of ten, at least 100, so that the asked amount holds at most STEPS of them."""
    step = Decimal(100)
    for factor in ("2", "2.5", "2") * 20:
        if asked / step <= STEPS:
            break
        step *= Decimal(factor)
    return step
