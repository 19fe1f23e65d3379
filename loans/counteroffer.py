"""What could be approved instead: the largest part of the amount asked for, or else a longer term. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

LEAST_SHARE = Decimal("0.2")  # of the amount asked for; less would help nobody
LEAST_AMOUNT = Decimal(1_000)  # CZK
STEPS = 20  # amounts tried at one term
TERMS = (36, 48, 60)
VALID = timedelta(days=30)

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
    """The largest amount at the term asked for that would be approved; else at the longer terms, shortest first.

    Every amount is tried from the top, since a score need not fall as the amount rises: at most
    STEPS x (1 + len(TERMS)) trials. approves: the decision of the same card and policy with all else as it was.
    """
    for term in (term_months, *(longer for longer in TERMS if longer > term_months)):
        for less in amounts(amount, with_all=term != term_months):
            if approves(less, term):
                return CounterOffer(less, term, today + VALID)
    return None


def amounts(asked: Decimal, *, with_all: bool) -> Iterator[Decimal]:
    """Multiples of the step from the asked amount downwards, itself only when the term is another one."""
    step = step_of(asked)
    number = int(asked / step)
    while (less := number * step) >= max(LEAST_AMOUNT, LEAST_SHARE * asked):
        if less < asked or with_all:
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
