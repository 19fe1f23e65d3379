"""People who look after policies, requests to try them on, and drafts."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal

from base.context import acting
from tests import makers


@contextmanager
def by(person):
    """Do something as a person, as in a request of theirs."""
    with acting(actor=f"user:{person.pk}", user_id=person.pk):
        yield person


def reviewer():
    return makers.user("reviewer")


def ask(user=None, *, amount=12_000, ip="198.51.100.7", device=None, term_months=24):
    from loans.services import request_loan

    with acting(ip=ip):
        return request_loan(
            user=user or makers.user(),
            requested_amount=Decimal(str(amount)),
            purpose="car",
            term_months=term_months,
            device=device,
        )


def draft(author, version="2.0", *, based_on="1.0", rules=None, **changes):
    from loans.policy.control import draft_policy

    with by(author):
        return draft_policy(version=version, based_on=based_on, changes=changes, rules=rules, note="stricter")


def approved(version="2.0", *, based_on="1.0", rules=None, **changes):
    """A policy that was drafted, tried and approved by two people."""
    from loans.policy.control import approve_policy
    from loans.policy.trial import run_trial

    row = draft(reviewer(), version, based_on=based_on, rules=rules, **changes)
    run_trial(policy_id=row.pk)
    with by(reviewer()):
        return approve_policy(policy_id=row.pk, reason="fine")


def activated(version="2.0", **changes):
    from loans.policy.control import activate_policy

    row = approved(version, **changes)
    with by(reviewer()):
        return activate_policy(policy_id=row.pk, reason="go")


def rule(name, kind, limits, weight=0.5):
    return {
        "name": name,
        "kind": kind,
        "limits": limits,
        "weight": weight,
        "reason_code": "F09",
        "reason_text": "Unable to verify application information",
    }
