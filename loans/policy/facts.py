"""Count what the fraud rules ask about a request: one statement, for one that comes now or for a past one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from base import statements
from loans.policy.deciding import Means
from loans.policy.fraud import MOST_COUNTED, Facts, Measure
from loans.policy.published import means_of, remembered


class NoPolicy(RuntimeError):
    """No policy is active: nothing can be decided."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, by what the rules know them. at, request_id: of a past request; None for one that comes now."""

    borrower_id: Any
    requested_amount: Decimal
    ip: str | None
    phone_hash: str | None
    device_hash: str | None
    at: datetime | None = None
    request_id: Any = None

    def given(self) -> dict[str, Any]:
        return {
            "borrower": self.borrower_id,
            "phone": self.phone_hash,
            "device": self.device_hash,
            "ip": self.ip,
            "moment": self.at,
            "request": self.request_id,
        }


OF_SUBJECT = {"borrower": "borrower_id", "phone": "phone_hash", "device": "device_hash", "ip": "ip"}
NETWORK = "network(set_masklen({ip}, CASE family({ip}) WHEN 4 THEN 16 ELSE 32 END))"
# Of each subject at most the newest requests are looked at: a crowd behind one address costs no more than that.
COUNT = """
(SELECT {counted} FROM (SELECT * FROM loans_loanrequest r WHERE r.{column} = {value} AND {before}
   AND r.created_at > {at} - interval '{window_s} s' ORDER BY r.created_at DESC LIMIT {most}) r)
"""
COUNTED = {
    "requests": "count(*)",
    "borrowers": "count(DISTINCT r.borrower_id) FILTER (WHERE r.borrower_id <> {borrower})",
    "networks": "count(DISTINCT {there}) FILTER (WHERE {there} <> {here})",
    "pending": "count(*) FILTER (WHERE {waits})",
}
FACTS = """
SELECT (SELECT id FROM loans_policyversion WHERE status = 'active'), ARRAY[{counts}]::bigint[],
  greatest((SELECT max(amount) FROM loans_loan l WHERE l.borrower_id = b.id AND {granted}),
           (SELECT max(requested_amount) FROM loans_loanrequest r
            WHERE r.borrower_id = b.id AND r.status = 'approved' AND {before} AND {approved})),
  (SELECT count(*) FROM loans_loan l WHERE l.borrower_id = b.id
     AND (l.outcome = 'repaid' AND l.granted_date > ({at})::date OR l.granted_date < b.customer_since)),
  extract(epoch FROM {at} - least(b.created_at, b.customer_since::timestamptz)) / 86400
FROM loans_borrower b WHERE b.id = {borrower}
"""
# A request that comes now sees all that are stored; a past one sees what was there before it.
NOW = {"at": "now()", "before": "true", "granted": "true", "approved": "true", "waits": "r.status = 'pending'"}
PAST = {
    "at": "{moment}",
    "before": "r.created_at < {moment} AND r.id IS DISTINCT FROM {request}",
    "granted": "l.granted_date <= ({moment})::date",
    "approved": """EXISTS (SELECT FROM loans_creditdecision d
        WHERE d.loan_request_id = r.id AND d.outcome = 'approved' AND d.created_at < {moment})""",
    "waits": """EXISTS (SELECT FROM loans_creditdecision d
        WHERE d.loan_request_id = r.id AND d.number = 1 AND d.outcome = 'review')
      AND NOT EXISTS (SELECT FROM loans_creditdecision d
        WHERE d.loan_request_id = r.id AND d.number > 1 AND d.created_at < {moment})""",
}
KIND = {"borrower": "uuid", "phone": "text", "device": "text", "ip": "inet", "moment": "timestamptz", "request": "uuid"}


_last_active: int | None = None


def measure_active(asked: Asked) -> tuple[Means, Facts]:
    """What the active policy decides with, and the facts its rules ask for. Raises NoPolicy, UnknownPolicy.

    One statement counts and says which policy is active. Where that is another one than this process met last, it
    counts again for that one.
    """
    global _last_active
    means = remembered(_last_active)
    while True:
        active, facts = _count(asked, means.policy.rule_set.measures() if means else [])
        if active is None:
            raise NoPolicy("No policy is active.")
        if means and active == _last_active:
            return means, facts
        means, _last_active = means_of(active), active


def measure_then(asked: Asked, measures: Sequence[Measure]) -> Facts:
    """The facts as of a past request."""
    return _count(asked, measures)[1]


def _count(asked: Asked, measures: Sequence[Measure]) -> tuple[int | None, Facts]:
    given = asked.given()
    names = [name for name in given if name in _named(measures, past=asked.at is not None)]
    with connection.cursor() as cursor:
        key = ("facts", asked.at is None, *measures)
        statements.execute(cursor, key, [given[name] for name in names], lambda: _text(measures, names))
        active, counts, largest, out_of_order, age_days = cursor.fetchone()
    counted = zip(measures, counts, strict=True)
    return active, Facts(
        requested_amount=asked.requested_amount,
        account_age_days=round(max(0.0, float(age_days)), 4),
        largest_past_amount=largest,
        loans_out_of_order=out_of_order,
        measures={one.key: count if _has(given, one) else None for one, count in counted},
    )


def _named(measures: Sequence[Measure], *, past: bool) -> set[str]:
    """Which values the statement is given; of what no rule asks for nothing is read."""
    asked = {one.subject for one in measures} | ({"ip"} if any(one.what == "networks" for one in measures) else set())
    return {"borrower"} | asked | ({"moment", "request"} if past else set())


def _text(measures: Sequence[Measure], names: Sequence[str]) -> str:
    places = {name: f"${number}::{KIND[name]}" for number, name in enumerate(names, 1)}
    when = {name: part.format(**places) for name, part in (PAST if "moment" in names else NOW).items()}
    parts = places | when | {"there": NETWORK.format(ip="r.ip"), "here": NETWORK.format(ip=places.get("ip"))}
    counts = [
        COUNT.format(
            counted=COUNTED[one.what].format(**parts),
            column=OF_SUBJECT[one.subject],
            value=places[one.subject],
            window_s=int(one.window_s),
            most=MOST_COUNTED,
            **when,
        )
        for one in measures
    ]
    return FACTS.format(counts=", ".join(counts), borrower=places["borrower"], **when)


def _has(given: Mapping[str, Any], measure: Measure) -> bool:
    """Whether the request has the subject; networks are compared with its own address."""
    return given[measure.subject] is not None and (measure.what != "networks" or given["ip"] is not None)
