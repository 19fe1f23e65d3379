"""What a resident's doings are worth, and how much they may do with what they are worth. Read as tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

VERSION = 1  # written with every rule in the ledger; points that change get a new one


@dataclass(frozen=True, slots=True)
class Rule:
    """Points for the resident, once for each thing it is about."""

    points: int
    meaning: str


RULES = {
    "filed": Rule(5, "filed a report"),
    "photo": Rule(2, "added the first photo of a report"),
    "confirmed": Rule(1, "somebody else has the problem too"),
    "unconfirmed": Rule(-1, "and took that back"),
    "resolved": Rule(10, "a report was resolved"),
    "reopened": Rule(-10, "it was not, after all"),
    "rejected": Rule(-15, "a report was rejected"),
    "in_good_faith": Rule(15, "a report was rejected, but not for any fault of the resident's"),
    "reinstated": Rule(15, "rejected by mistake"),
    "merged": Rule(-2, "a report was there already"),
    "unmerged": Rule(2, "it was not, after all"),
    "comment_hidden": Rule(-5, "a comment was hidden"),
    "comment_shown": Rule(5, "hidden by mistake"),
}


def ledger_name(rule: str) -> str:
    return f"reports.{rule}@{VERSION}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many in an hour and in a day, both beginning on the clock (UTC)."""

    hour: int
    day: int


@dataclass(frozen=True, slots=True)
class Band:
    """What residents from a reputation on may do. reviewed: whether somebody looks at all they file."""

    name: str
    least: int
    file: Limit
    photo: Limit
    comment: Limit
    confirm: Limit
    reviewed: bool = False


BLOCKED_BELOW = -50
NEW_FOR = timedelta(days=7)  # however good, until so long after the account was made
BANDS = [  # the first whose `least` is reached
    Band("trusted", 100, Limit(30, 150), Limit(60, 300), Limit(60, 300), Limit(60, 300)),
    Band("known", 0, Limit(12, 40), Limit(30, 100), Limit(30, 100), Limit(30, 100)),
    Band("doubted", BLOCKED_BELOW, Limit(2, 4), Limit(4, 8), Limit(4, 8), Limit(4, 8), reviewed=True),
]
NEW = Band("new", 0, Limit(6, 15), Limit(15, 40), Limit(12, 40), Limit(20, 60))
STAFF = Band("staff", 0, Limit(600, 5_000), Limit(600, 5_000), Limit(600, 5_000), Limit(600, 5_000))
# For each address, and for all addresses together: without an account one can only file.
ADDRESS = Limit(4, 10)
ALL_ADDRESSES = Limit(300, 3_000)


def band_of(*, reputation: int, account_age: timedelta) -> Band | None:
    """None: nothing may be done any more."""
    band = next((band for band in BANDS if reputation >= band.least), None)
    return NEW if band and band.least >= 0 and account_age < NEW_FOR else band
