"""Count what the fraud rules ask about a request: one statement, for one that comes now or for a past one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

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

    def subject(self, name: str) -> Any:
        return getattr(self, OF_SUBJECT[name])


# Of each subject at most 200 requests are looked at, the newest: a crowd behind one address costs no more than that.
# A request that comes now sees all that are stored; a past one sees those before it.
COUNTS = """
WITH asked AS (
  SELECT coalesce(%(at)s::timestamptz, now()) AS at, coalesce(%(at)s::timestamptz, 'infinity') AS before,
         coalesce(%(at)s::timestamptz, now()) - make_interval(secs => %(span)s) AS since
), recent AS MATERIALIZED (
  (SELECT 'borrower' AS subject, r.* FROM loans_loanrequest r, asked WHERE r.borrower_id = %(borrower)s
     AND r.created_at > since AND r.created_at < before ORDER BY r.created_at DESC LIMIT %(most)s)
  UNION ALL
  (SELECT 'phone', r.* FROM loans_loanrequest r, asked WHERE r.phone_hash = %(phone)s
     AND r.created_at > since AND r.created_at < before ORDER BY r.created_at DESC LIMIT %(most)s)
  UNION ALL
  (SELECT 'device', r.* FROM loans_loanrequest r, asked WHERE r.device_hash = %(device)s
     AND r.created_at > since AND r.created_at < before ORDER BY r.created_at DESC LIMIT %(most)s)
  UNION ALL
  (SELECT 'ip', r.* FROM loans_loanrequest r, asked WHERE r.ip = %(ip)s
     AND r.created_at > since AND r.created_at < before ORDER BY r.created_at DESC LIMIT %(most)s)
), counts AS (
  SELECT m.number, CASE m.what
    WHEN 'requests' THEN count(r.id)
    WHEN 'borrowers' THEN count(DISTINCT r.borrower_id) FILTER (WHERE r.borrower_id <> %(borrower)s)
    WHEN 'networks' THEN count(DISTINCT r.network) FILTER (WHERE r.network <> r.here)
    WHEN 'pending' THEN count(r.id) FILTER (WHERE r.waits)
    END AS counted
  FROM asked, unnest(%(what)s::text[], %(subject)s::text[], %(window_s)s::int[])
    WITH ORDINALITY AS m(what, subject, window_s, number)
  LEFT JOIN LATERAL (
    SELECT id, borrower_id,
      network(set_masklen(ip, CASE family(ip) WHEN 4 THEN 16 ELSE 32 END)) AS network,
      network(set_masklen(i, CASE family(i) WHEN 4 THEN 16 ELSE 32 END)) AS here,
      m.what = 'pending' AND CASE WHEN %(at)s::timestamptz IS NULL THEN status = 'pending' ELSE
        EXISTS (SELECT 1 FROM loans_creditdecision d WHERE d.loan_request_id = recent.id AND number = 1
                AND outcome = 'review')
        AND NOT EXISTS (SELECT 1 FROM loans_creditdecision d WHERE d.loan_request_id = recent.id AND number > 1
                        AND d.created_at < asked.before) END AS waits
    FROM recent, (SELECT %(here)s::inet AS i) mine
    WHERE recent.subject = m.subject AND recent.id IS DISTINCT FROM %(request)s::uuid
      AND recent.created_at > asked.at - make_interval(secs => m.window_s)
  ) r ON true
  GROUP BY m.number, m.what
)
SELECT (SELECT id FROM loans_policyversion WHERE status = 'active'),
  (SELECT array_agg(counted ORDER BY number) FROM counts),
  greatest((SELECT max(amount) FROM loans_loan l, asked WHERE l.borrower_id = %(borrower)s
              AND (%(at)s::timestamptz IS NULL OR l.granted_date <= asked.at::date)),
           (SELECT max(requested_amount) FROM loans_loanrequest r, asked WHERE r.borrower_id = %(borrower)s
              AND r.status = 'approved' AND r.id IS DISTINCT FROM %(request)s::uuid AND r.created_at < asked.before
              AND (%(at)s::timestamptz IS NULL OR EXISTS (SELECT 1 FROM loans_creditdecision d
                   WHERE d.loan_request_id = r.id AND d.outcome = 'approved' AND d.created_at < asked.before)))),
  (SELECT count(*) FROM loans_loan l JOIN loans_borrower b ON b.id = l.borrower_id, asked
   WHERE l.borrower_id = %(borrower)s
     AND (l.outcome = 'repaid' AND l.granted_date > asked.at::date OR l.granted_date < b.customer_since)),
  (SELECT extract(epoch FROM asked.at - least(b.created_at, b.customer_since::timestamptz)) / 86400
   FROM loans_borrower b, asked WHERE b.id = %(borrower)s)
"""
OF_SUBJECT = {"borrower": "borrower_id", "phone": "phone_hash", "device": "device_hash", "ip": "ip"}


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
    wanted = {one.subject for one in measures}  # of what no rule asks for nothing is read
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTS,
            {
                "at": asked.at,
                "request": asked.request_id,
                "borrower": asked.borrower_id,
                **{name: asked.subject(name) if name in wanted else None for name in ("phone", "device", "ip")},
                "here": asked.ip,
                "span": max([one.window_s for one in measures], default=0),
                "most": MOST_COUNTED,
                "what": [one.what for one in measures],
                "subject": [one.subject for one in measures],
                "window_s": [one.window_s for one in measures],
            },
        )
        active, counts, largest, out_of_order, age_days = cursor.fetchone()
    counted = zip(measures, counts or [], strict=True)
    return active, Facts(
        requested_amount=asked.requested_amount,
        account_age_days=round(max(0.0, float(age_days)), 4),
        largest_past_amount=largest,
        loans_out_of_order=out_of_order,
        measures={one.key: count if _has(asked, one) else None for one, count in counted},
    )


def _has(asked: Asked, measure: Measure) -> bool:
    """Whether the request has the subject; networks are compared with its own address."""
    return asked.subject(measure.subject) is not None and (measure.what != "networks" or asked.ip is not None)
