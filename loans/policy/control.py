"""What people do with policies: draft, try, approve, activate, retire, let challenge. Each leaves an audit entry.

Who does it is the person of the running request. The database decides every race: states move by the rows' own
triggers, nobody approves their own, one policy is active and one challenges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from base import context
from base.roles import Role
from loans import reasons, tasks
from loans.models import PolicyVersion
from loans.policy.fraud import InvalidRule, Rule, RuleSet, checked_limits
from loans.policy.published import UnknownPolicy, means_with, policy_of
from loans.policy.shipping import store_policy
from loans.policy.trial import LOSS_GIVEN_DEFAULT
from loans.scorecard import Reason

Status = PolicyVersion.Status
MAY = frozenset({Role.REVIEWER, Role.ADMIN})


class WrongState(Exception):
    """The policy is not in a state that allows this; the message says which it is in."""


class NotYours(Exception):
    """This person may not do it: the wrong role, or a policy of their own."""


class InvalidPolicy(ValueError):
    """A draft's contents cannot be; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def draft_policy(
    *,
    version: str,
    based_on: str,
    note: str = "",
    changes: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]] | None = None,
) -> PolicyVersion:
    """A new draft: another policy's contents with changes, and with other fraud rules if some are given.

    changes: fields of a policy by name. rules: name, kind, limits, weight, reason_code, reason_text, enabled.
    Raises InvalidPolicy, NotYours.
    """
    author = _person()
    base = PolicyVersion.objects.select_related("rule_set").filter(version=based_on).first()
    if base is None:
        raise InvalidPolicy("based_on", f"There is no policy {based_on}.")
    policy = replace(policy_of(base), version=version, **changes)
    if rules is not None:
        policy = replace(policy, rule_set=RuleSet(version, tuple(_rule(one) for one in checked_rules(list(rules)))))
    _check_thresholds(policy)
    try:
        means_with(policy)
    except UnknownPolicy as error:
        raise InvalidPolicy("scorecard", str(error)) from None
    try:
        with transaction.atomic():
            row = store_policy(policy, author=author, note=note)
    except IntegrityError as error:
        raise InvalidPolicy("version", f"There is a policy or a set of rules {version} already.") from error
    log_audit_event(
        "policy_drafted", "lending_policy", row.pk, {"version": version, "based_on": based_on, "reason": note}
    )
    return row


RULE = {"name", "kind", "limits", "weight", "reason_code", "reason_text"}
TEXTS = {"name": 60, "kind": 30, "reason_code": 10, "reason_text": 200}  # longest


def checked_rules(given: Any) -> list[dict[str, Any]]:
    """Rules as they are stored. Raises InvalidPolicy."""
    if not isinstance(given, list) or len(given) > 100:
        raise InvalidPolicy("rules", "A list of at most 100 rules.")
    rules = [_checked_rule(one) for one in given]
    if len({one["name"] for one in rules}) < len(rules):
        raise InvalidPolicy("rules", "Each rule has a name of its own.")
    return rules


def _checked_rule(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not RULE <= set(given) <= RULE | {"enabled"}:
        raise InvalidPolicy("rules", f"A rule has {', '.join(sorted(RULE))}, and perhaps enabled.")
    for name, longest in TEXTS.items():
        if not isinstance(given[name], str) or not 0 < len(given[name]) <= longest or not given[name].isprintable():
            raise InvalidPolicy("rules", f"{name} is a text of at most {longest} characters.")
    _check_reason(given)
    weight, enabled = given["weight"], given.get("enabled", True)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1:
        raise InvalidPolicy("rules", f"{given['name']}: a weight is above 0 and at most 1.")
    if not isinstance(enabled, bool):
        raise InvalidPolicy("rules", f"{given['name']}: enabled is true or false.")
    try:
        limits = checked_limits(given["kind"], given["limits"])
    except InvalidRule as error:
        raise InvalidPolicy("rules", f"{given['name']}: {error}") from None
    return {**given, "limits": limits, "weight": float(weight), "enabled": enabled}


def _check_reason(given: Mapping[str, Any]) -> None:
    """What a borrower is told is specific, and a code says one thing. Raises InvalidPolicy."""
    known = reasons.catalogue().get(given["reason_code"])
    if known is not None and known.text != given["reason_text"]:
        raise InvalidPolicy("rules", f"{given['name']}: {known.code} says “{known.text}”; take another code.")
    if reasons.VAGUE.search(given["reason_text"]):
        told = "a reason names what about the application speaks against it, not a policy, a score or fraud"
        raise InvalidPolicy("rules", f"{given['name']}: {told}.")


def _rule(one: Mapping[str, Any]) -> Rule:
    reason = Reason(one["reason_code"], one["reason_text"])
    return Rule(one["name"], one["kind"], one["limits"], one["weight"], reason, one["enabled"])


def _check_thresholds(policy: Any) -> None:
    for name in ("approve_from", "approve_from_application"):
        if not 0 <= policy.review_from <= getattr(policy, name) <= 100:
            raise InvalidPolicy(name, "Scores are 0 to 100, and what is approved is at least what is reviewed.")
    if not 0 <= policy.low_risk_below <= policy.high_risk_from <= 1:
        raise InvalidPolicy("high_risk_from", "Probabilities are 0 to 1, and high risk begins where low risk ended.")
    for name in ("fraud_review_from", "anomaly_from"):
        if not 0 < getattr(policy, name) <= 1:
            raise InvalidPolicy(name, "A share above 0 and at most 1.")
    if not 0 <= policy.anomaly_weight <= 1:
        raise InvalidPolicy("anomaly_weight", "A share from 0 to 1.")
    if policy.max_amount is not None and policy.max_amount <= 0:
        raise InvalidPolicy("max_amount", "An amount above zero, or none.")


@transaction.atomic
def request_trial(
    *, policy_id: int, since: datetime | None = None, loss_given_default: float = LOSS_GIVEN_DEFAULT, reason: str = ""
) -> str:
    """Try a policy on past requests behind; returns the task's id. One that waits or runs with the same is joined."""
    author = _person()
    row = PolicyVersion.objects.get(pk=policy_id)
    asked = {
        "policy_id": row.pk,
        "since": since.isoformat() if since else None,
        "loss_given_default": loss_given_default,
    }
    key = f"loans.try_policy:{row.pk}:{asked['since']}:{loss_given_default}"
    named = tasks.try_policy.using(unique_key=key, subject=("lending_policy", str(row.pk)))
    task_id = named.enqueue(**asked, asked_by_id=author.pk).id
    facts = {"version": row.version, "task_id": task_id, "loss_given_default": loss_given_default, "reason": reason}
    log_audit_event("policy_trial_requested", "lending_policy", row.pk, facts)
    return task_id


@transaction.atomic
def approve_policy(*, policy_id: int, reason: str) -> PolicyVersion:
    """A second person says that a tried policy may act. Raises WrongState, NotYours."""
    person = _person()
    row = _locked(policy_id)
    if row.status != Status.TRIED:
        raise WrongState(f"Only a tried policy can be approved; {row.version} is {row.status}.")
    if row.author_id == person.pk:
        raise NotYours("A policy is approved by somebody else than its author.")
    return _move(row, "policy_approved", reason, status=Status.APPROVED, approved_by=person, approved_at=Now())


@transaction.atomic
def activate_policy(*, policy_id: int, reason: str) -> PolicyVersion:
    """Let an approved policy, or a retired one that was approved, decide from now on; the one before is retired.

    Raises WrongState, NotYours.
    """
    _person()
    row = _locked(policy_id)
    was_active = row.activated_at is not None
    if row.status != Status.APPROVED and not (row.status == Status.RETIRED and was_active):
        raise WrongState(f"Only an approved policy can be activated; {row.version} is {row.status}.")
    try:
        means_with(policy_of(row))
    except UnknownPolicy as error:
        raise WrongState(str(error)) from None
    before = list(PolicyVersion.objects.select_for_update().filter(status=Status.ACTIVE))
    PolicyVersion.objects.filter(pk__in=[one.pk for one in before]).update(status=Status.RETIRED, retired_at=Now())
    fields = {"status": Status.ACTIVE, "activated_at": Now(), "retired_at": None, "is_challenger": False}
    try:
        with transaction.atomic():
            row = _move(row, "policy_activated", reason, before=[one.version for one in before], **fields)
    except IntegrityError:
        raise WrongState("Another policy was activated at the same moment.") from None
    return row


@transaction.atomic
def retire_policy(*, policy_id: int, reason: str) -> PolicyVersion:
    """Put a policy away that does not act. Raises WrongState, NotYours."""
    _person()
    row = _locked(policy_id)
    if row.status in (Status.ACTIVE, Status.RETIRED):
        raise WrongState(
            "The active policy is retired by activating another one."
            if row.status == Status.ACTIVE
            else f"{row.version} is retired."
        )
    return _move(row, "policy_retired", reason, status=Status.RETIRED, retired_at=Now(), is_challenger=False)


@transaction.atomic
def start_challenger(*, policy_id: int, reason: str) -> PolicyVersion:
    """Let a tried policy decide in shadow from now on, instead of the one that does. Raises WrongState, NotYours."""
    _person()
    row = _locked(policy_id)
    if row.status not in (Status.TRIED, Status.APPROVED) or row.is_challenger:
        state = "the challenger" if row.is_challenger else row.status
        raise WrongState(f"Only a tried or approved policy can challenge; {row.version} is {state}.")
    PolicyVersion.objects.filter(is_challenger=True).update(is_challenger=False)
    try:
        with transaction.atomic():
            return _move(row, "challenger_started", reason, is_challenger=True, challenger_since=Now())
    except IntegrityError:
        raise WrongState("Another challenger was started at the same moment.") from None


@transaction.atomic
def stop_challenger(*, policy_id: int, reason: str) -> PolicyVersion:
    """What it decided stays. Raises WrongState, NotYours."""
    _person()
    row = _locked(policy_id)
    if not row.is_challenger:
        raise WrongState(f"{row.version} is not the challenger.")
    return _move(row, "challenger_stopped", reason, is_challenger=False)


def _person() -> Any:
    """The person of the running request, who must be a reviewer or an administrator. Raises NotYours."""
    person = get_user_model().objects.filter(pk=context.current().user_id, is_active=True).first()
    if person is None or not (person.is_superuser or person.role in MAY):
        raise NotYours("Policies are the work of reviewers.")
    return person


def _locked(policy_id: int) -> PolicyVersion:
    return PolicyVersion.objects.select_for_update().get(pk=policy_id)


def _move(row: PolicyVersion, action: str, reason: str, *, before: Sequence[str] = (), **fields: Any) -> PolicyVersion:
    PolicyVersion.objects.filter(pk=row.pk).update(**fields)
    facts = {"version": row.version, "reason": reason} | ({"instead_of": list(before)} if before else {})
    log_audit_event(action, "lending_policy", row.pk, facts)
    row.refresh_from_db()
    return row
