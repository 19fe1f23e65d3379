"""Fraud rules: a fixed set of kinds, whose limits and weights are data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from loans.scorecard import Reason

SUBJECTS = ("borrower", "phone", "device", "ip")
DAY_S = 86_400
MOST_COUNTED = 200  # requests of one subject that are looked at; a limit must lie well below it


class InvalidRule(ValueError):
    """A rule's kind, limits or weight cannot be; the message says which."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A count over the requests that share a subject with this one, in the `window_s` seconds before it.

    what: `requests`, other `borrowers`, requests still `pending`, or other `networks`.
    """

    what: str
    subject: str
    window_s: int

    @property
    def key(self) -> str:
        return f"{self.what}:{self.subject}:{self.window_s}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a request besides the score. Counts leave out the request itself.

    loans_out_of_order: past loans repaid before they were granted, or granted before the customer came.
    measures: by key; None where the request has no such subject.
    """

    requested_amount: Decimal
    account_age_days: float
    largest_past_amount: Decimal | None
    loans_out_of_order: int = 0
    measures: Mapping[str, int | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        past = self.largest_past_amount
        return {
            "requested_amount": str(self.requested_amount),
            "account_age_days": self.account_age_days,
            "largest_past_amount": None if past is None else str(past),
            "loans_out_of_order": self.loans_out_of_order,
            "measures": dict(self.measures),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Facts:
        """Reads also the form of the first decisions, which had three counts by name."""
        past = stored["largest_past_amount"]
        old = {key: stored[name] for name, key in FIRST_COUNTS.items() if name in stored}
        return cls(
            requested_amount=Decimal(stored["requested_amount"]),
            account_age_days=float(stored["account_age_days"]),
            largest_past_amount=None if past is None else Decimal(past),
            loans_out_of_order=stored.get("loans_out_of_order", 0),
            measures=stored.get("measures", old),
        )


FIRST_COUNTS = {
    "requests_1h": "requests:borrower:3600",
    "requests_24h": "requests:borrower:86400",
    "other_borrowers_on_ip_1h": "borrowers:ip:3600",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A flag and how much it alone speaks for fraud, 0–1. `reason` is what a borrower may be told."""

    name: str
    kind: str
    limits: Mapping[str, Any]
    weight: float
    reason: Reason
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RuleSet:
    version: str
    rules: tuple[Rule, ...]

    def measures(self) -> list[Measure]:
        """What has to be counted for its rules, each once."""
        found = (KINDS[rule.kind].measure(rule.limits) for rule in self.rules if rule.enabled)
        return list(dict.fromkeys(one for one in found if one is not None))


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that was broken. evidence: for staff only; the borrower sees the flag."""

    flag: str
    weight: float
    reason: Reason
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FraudVerdict:
    """score: 0–1, the flags' weights taken as independent; 0 without flags."""

    score: float
    flags: tuple[str, ...]
    reasons: tuple[Reason, ...]
    evidence: tuple[dict[str, Any], ...] = ()


def judge_fraud(facts: Facts, rule_set: RuleSet, also: Iterable[Found] = ()) -> FraudVerdict:
    """The rules in their order, then what else was found: one minus the product of what each leaves of innocence."""
    found = [one for rule in rule_set.rules if rule.enabled and (one := look(rule, facts))] + list(also)
    innocent = 1.0
    for one in found:
        innocent *= 1 - one.weight
    return FraudVerdict(
        score=round(1 - innocent, 4),
        flags=tuple(one.flag for one in found),
        reasons=tuple(dict.fromkeys(one.reason for one in found)),
        evidence=tuple(one.evidence for one in found),
    )


def look(rule: Rule, facts: Facts) -> Found | None:
    """What the rule finds, with its values and limits."""
    values = KINDS[rule.kind].look(rule.limits, facts)
    if values is None:
        return None
    evidence = {"flag": rule.name, "kind": rule.kind, "weight": rule.weight, "found": values}
    return Found(rule.name, rule.weight, rule.reason, evidence | {"limits": dict(rule.limits)})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rule. limits: name → (type, least, most), or the words to choose from.

    measure: what it has to have counted. look: the values that break the rule, None where it is kept.
    """

    title: str
    limits: Mapping[str, Any]
    look: Callable[[Mapping[str, Any], Facts], dict[str, Any] | None]
    measure: Callable[[Mapping[str, Any]], Measure | None] = lambda limits: None


def _counted(what: str, fixed: str = "") -> dict[str, Any]:
    """measure and look of a kind that compares one count with its limit `from`, or with 1."""

    def measure(limits: Mapping[str, Any]) -> Measure:
        return Measure(what, fixed or limits["subject"], limits["window_s"])

    def look(limits: Mapping[str, Any], facts: Facts) -> dict[str, Any] | None:
        one = measure(limits)
        count = facts.measures.get(one.key)
        if count is None or count < limits.get("from", 1):
            return None
        return {what: count, "subject": one.subject, "window_s": one.window_s}

    return {"measure": measure, "look": look}


def _amount_over_history(limits: Mapping[str, Any], facts: Facts) -> dict[str, Any] | None:
    past = facts.largest_past_amount
    if past is None or facts.requested_amount <= Decimal(limits["factor"]) * past:
        return None
    return {"requested_amount": str(facts.requested_amount), "largest_past_amount": str(past)}


def _new_account(limits: Mapping[str, Any], facts: Facts) -> dict[str, Any] | None:
    if facts.account_age_days >= limits["days"] or facts.requested_amount <= Decimal(limits["amount"]):
        return None
    return {"account_age_days": facts.account_age_days, "requested_amount": str(facts.requested_amount)}


def _out_of_order(limits: Mapping[str, Any], facts: Facts) -> dict[str, Any] | None:
    return {"loans": facts.loans_out_of_order} if facts.loans_out_of_order else None


WINDOW, FROM = (int, 1, 30 * DAY_S), (int, 1, MOST_COUNTED // 2)
AMOUNT = (Decimal, Decimal("0.01"), Decimal(10**9))
KINDS = {
    "velocity": Kind(
        "So many requests of one borrower, phone, device or address in a window",
        {"subject": SUBJECTS, "window_s": WINDOW, "from": FROM},
        **_counted("requests"),
    ),
    "shared": Kind(
        "So many other borrowers with the same phone, device or address in a window",
        {"subject": SUBJECTS[1:], "window_s": WINDOW, "from": FROM},
        **_counted("borrowers"),
    ),
    "amount_over_history": Kind(
        "More than so many times the largest amount the borrower ever had", {"factor": AMOUNT}, _amount_over_history
    ),
    "new_account_amount": Kind(
        "A large amount for an account of a few days", {"days": (float, 0, 3650), "amount": AMOUNT}, _new_account
    ),
    "request_while_pending": Kind(
        "Another request within seconds of one that waits for a reviewer",
        {"window_s": WINDOW},
        **_counted("pending", "borrower"),
    ),
    "device_in_two_places": Kind(
        "One device in another network shortly before", {"window_s": WINDOW}, **_counted("networks", "device")
    ),
    "loans_out_of_order": Kind("Loans repaid before they were granted, or granted before the customer came", {},
                               _out_of_order),
}  # fmt: skip


def checked_limits(kind: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    """The limits as they are stored: whole numbers, floats, and amounts as text. Raises InvalidRule."""
    if kind not in KINDS:
        raise InvalidRule(f"There is no kind of rule {kind!r}; there are {', '.join(KINDS)}.")
    schema = KINDS[kind].limits
    if not isinstance(limits, Mapping) or set(limits) != set(schema):
        raise InvalidRule(f"{kind} has the limits {', '.join(schema) or 'none'}.")
    return {name: _checked(kind, name, wanted, limits[name]) for name, wanted in schema.items()}


def _checked(kind: str, name: str, wanted: tuple[Any, ...], given: Any) -> Any:
    if isinstance(wanted[0], str):
        if given not in wanted:
            raise InvalidRule(f"{kind}: {name} is one of {', '.join(wanted)}.")
        return given
    form, least, most = wanted
    refusal = InvalidRule(f"{kind}: {name} is a {'whole number' if form is int else 'number'} from {least} to {most}.")
    if isinstance(given, bool) or not isinstance(given, int if form is int else int | float | str | Decimal):
        raise refusal
    try:
        number = form(str(given))
        fits = least <= number <= most
    except (ValueError, InvalidOperation):
        raise refusal from None
    if not fits:
        raise refusal
    return str(number) if form is Decimal else number
