"""Invented policyholders: what they were quoted, what they took, and how they paid. Seeded; standard library only.

Shares of the instalments, median premiums and the share of renewals that lapse follow a summary of the public table
eudirectlapse (C. Dutang and A. Charpentier, CASdatasets): half pay once a year, 13 % of the renewal quotes lapse.
How often payments fail, how soon they are tried again and how late we hear of them is made up. No row is copied; every
row says so: its external id begins with "synthetic". Money in USD.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

SOURCE = "synthetic"
HISTORY = timedelta(days=730)
YEAR = timedelta(days=365)
RENEWAL = timedelta(days=30)  # the next year is quoted so long before this one ends
# Payments a year: (share of the quotes, median premium, share that lapses at renewal).
INSTALMENTS = {1: (0.51, 277, 0.142), 2: (0.13, 335, 0.123), 4: (0.27, 417, 0.109), 12: (0.09, 440, 0.121)}
PREMIUM_SPREAD = 0.45  # of the logarithm
SMALLEST_PREMIUM = 80
TRIES = 5
KINDS = ("Credit", "Debit", "Prepaid")
KIND_WEIGHTS = (50, 38, 12)
DECLINES = ("insufficient_funds", "do_not_honor", "expired_card", "processor_timeout")
DECLINE_WEIGHTS = (60, 22, 10, 8)


@dataclass(frozen=True, slots=True)
class Purse:
    """How a kind of policyholder pays: the share of first tries that fail, of further tries that fail, and of further
    tries that follow within minutes instead of days."""

    weight: int
    fails: float
    fails_again: float
    hurries: float


PURSES = (Purse(82, 0.015, 0.25, 0.5), Purse(13, 0.12, 0.45, 0.6), Purse(5, 0.30, 0.75, 0.9))


@dataclass(frozen=True, slots=True)
class Payment:
    external_id: str
    payment_type: str
    amount_usd: Decimal
    status: str
    failure_reason: str
    attempted_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer; one with `bound_at` became a policy and has payments."""

    external_id: str
    product: str
    premium_usd: Decimal
    instalments: int
    created_at: datetime
    recorded_at: datetime
    bound_at: datetime | None
    binding_recorded_at: datetime | None
    payments: list[Payment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Policyholder:
    """Somebody who asked for quotes. `name` is theirs for ever."""

    name: str
    quotes: list[Quote]

    @property
    def policies(self) -> int:
        return sum(quote.bound_at is not None for quote in self.quotes)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a first quote is about. `taken`: whether it was bound, where that is known."""

    premium_usd: Decimal
    instalments: int
    taken: bool | None = None


def generate(*, now: datetime, policies: int, seed: int = 2017) -> Iterator[Policyholder]:
    """Policyholders until they have this many policies between them; everything happens before `now` (aware).

    Same seed and `now`: same people. One of them is the same however many are asked for.
    """
    number = made = 0
    while made < policies:
        rng = random.Random(f"{seed}:{number}")
        holder = Life(rng, f"{SOURCE}:{seed}:{number}", now).lived(offer(rng))
        made += holder.policies
        yield holder
        number += 1


def offer(rng: random.Random) -> Offer:
    instalments = rng.choices(list(INSTALMENTS), [share for share, _, _ in INSTALMENTS.values()])[0]
    premium = INSTALMENTS[instalments][1] * rng.lognormvariate(0, PREMIUM_SPREAD)
    return Offer(money(max(premium, SMALLEST_PREMIUM)), instalments)


class Life:
    """One policyholder from the first quote until `now`, or until they leave."""

    def __init__(self, rng: random.Random, name: str, now: datetime) -> None:
        self.rng, self.name, self.now = rng, name, now
        self.purse = rng.choices(PURSES, [purse.weight for purse in PURSES])[0]
        self.product = rng.choice(("motor", "motor", "motor", "home"))
        self.kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
        self.quotes: list[Quote] = []

    def lived(self, first: Offer) -> Policyholder:
        rng = self.rng
        moment = self.now - rng.random() * HISTORY
        for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):  # looking around before the one that counts
            self.quote(float(first.premium_usd) * rng.uniform(0.9, 1.1), first.instalments, moment, None)
            moment += timedelta(minutes=rng.expovariate(1 / 300))
        taken = rng.random() < 0.7 if first.taken is None else first.taken
        bound_at = moment + timedelta(seconds=rng.lognormvariate(8.5, 1.6)) if taken else None
        premium = float(first.premium_usd)
        while True:
            quote = self.quote(premium, first.instalments, moment, bound_at)
            if quote is None or quote.bound_at is None or not self.pay(quote, quote.bound_at):
                return Policyholder(self.name, self.quotes)
            moment = quote.bound_at + YEAR - RENEWAL
            stays = rng.random() >= INSTALMENTS[first.instalments][2]
            bound_at = moment + rng.random() * RENEWAL if stays else None
            premium *= rng.uniform(0.96, 1.09)

    def quote(self, premium: float, instalments: int, moment: datetime, bound_at: datetime | None) -> Quote | None:
        """The next quote, or None when it lies in the future. A binding in the future has not happened."""
        if moment > self.now:
            return None
        if bound_at is not None and bound_at > self.now:
            bound_at = None
        made = Quote(
            external_id=f"{self.name}:{len(self.quotes)}",
            product=self.product,
            premium_usd=money(premium),
            instalments=instalments,
            created_at=moment,
            recorded_at=self.heard(moment),
            bound_at=bound_at,
            binding_recorded_at=bound_at and self.heard(bound_at),
        )
        self.quotes.append(made)
        return made

    def pay(self, quote: Quote, bound_at: datetime) -> bool:
        """Add the payments of a policy's year. False: one was given up, and with it the policy."""
        for instalment in range(quote.instalments):
            due = bound_at + YEAR * instalment / quote.instalments + self.rng.random() * timedelta(hours=2)
            if not self.instalment(quote, due):
                return False
        return True

    def instalment(self, quote: Quote, due: datetime) -> bool:
        """Try until it is paid, in bursts or day by day. False: given up, or not to be known yet."""
        rng, fails = self.rng, self.purse.fails
        for _ in range(TRIES):
            if due > self.now:
                return False
            failed = rng.random() < fails
            quote.payments.append(
                Payment(
                    external_id=f"{quote.external_id}:{len(quote.payments)}",
                    payment_type=self.kind,
                    amount_usd=money(float(quote.premium_usd) / quote.instalments),
                    status="failed" if failed else "succeeded",
                    failure_reason=rng.choices(DECLINES, DECLINE_WEIGHTS)[0] if failed else "",
                    attempted_at=due,
                    recorded_at=self.heard(due),
                )
            )
            if not failed:
                return True
            fails = self.purse.fails_again
            hurried = rng.random() < self.purse.hurries
            due += timedelta(seconds=rng.uniform(20, 900)) if hurried else timedelta(days=rng.uniform(1, 4))
            if rng.random() < 0.3:  # with another card
                self.kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
        return False

    def heard(self, moment: datetime) -> datetime:
        """When we learned of it: within seconds, and of one in a hundred in the days after."""
        late = self.rng.random() < 0.01
        delay = self.rng.uniform(3_600, 3 * 86_400) if late else self.rng.uniform(0.2, 5)
        return min(moment + timedelta(seconds=delay), self.now)


def money(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")
