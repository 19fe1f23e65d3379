"""Policies from their rows and the artifacts they name, remembered by the process: neither ever changes."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from base.artifacts import ArtifactError
from loans import published as cards
from loans.policy.anomaly import Anomaly
from loans.policy.deciding import Means
from loans.policy.fraud import Rule, RuleSet
from loans.policy.models import FraudRuleSet, PolicyVersion
from loans.rules import Policy
from loans.scorecard import Reason

FOLDER = Path(__file__).parents[1] / "artifacts"
REMEMBERED = 100


class UnknownPolicy(LookupError):
    """There is no such policy, or what it decides with is not published."""


def policy_of(row: PolicyVersion) -> Policy:
    return Policy(
        version=row.version,
        approve_from=row.approve_from,
        approve_from_application=row.approve_from_application,
        review_from=row.review_from,
        fraud_review_from=row.fraud_review_from,
        low_risk_below=row.low_risk_below,
        high_risk_from=row.high_risk_from,
        rule_set=rule_set_of(row.rule_set),
        max_amount=row.max_amount,
        scorecard=row.scorecard,
        anomaly=row.anomaly,
        anomaly_from=row.anomaly_from,
        anomaly_weight=row.anomaly_weight,
    )


def rule_set_of(row: FraudRuleSet) -> RuleSet:
    rules = (
        Rule(one.name, one.kind, one.limits, one.weight, Reason(one.reason_code, one.reason_text), one.enabled)
        for one in row.rules.order_by("position")
    )
    return RuleSet(row.version, tuple(rules))


_means: dict[int, Means] = {}


def means_of(policy_id: int) -> Means:
    """What a policy decides with, by the id of its row. Raises UnknownPolicy."""
    if policy_id not in _means:
        row = PolicyVersion.objects.select_related("rule_set").filter(pk=policy_id).first()
        if row is None:
            raise UnknownPolicy(f"There is no policy number {policy_id}.")
        if len(_means) >= REMEMBERED:
            _means.clear()
        _means[policy_id] = means_with(policy_of(row))
    return _means[policy_id]


def means_with(policy: Policy) -> Means:
    """Raises UnknownPolicy."""
    try:
        card = cards.scorecard(policy.scorecard or cards.CURRENT)
        return Means(policy, card, anomaly(policy.anomaly) if policy.anomaly else None)
    except ArtifactError as error:
        raise UnknownPolicy(f"Policy {policy.version} cannot decide: {error}.") from error


def remembered(policy_id: int | None) -> Means | None:
    """What this process has met before; asks nobody."""
    return _means.get(policy_id) if policy_id else None


def forget_policies() -> None:
    """The database may be another one now."""
    _means.clear()


def anomaly_versions() -> list[str]:
    """Of all published anomaly scores."""
    return sorted(path.stem.removeprefix("anomaly-") for path in FOLDER.glob("anomaly-*.json"))


@functools.cache
def anomaly(version: str) -> Anomaly:
    """A published anomaly score, checked against its hash. Raises ArtifactError."""
    path = FOLDER / f"anomaly-{version}.json"
    if not path.is_file():
        raise ArtifactError(f"there is no {path.name}")
    return Anomaly.from_artifact(json.loads(path.read_text(encoding="utf-8")))


@functools.cache
def anomaly_by_sha256(sha256: str) -> Anomaly:
    """The anomaly score that a stored decision names. Raises UnknownPolicy."""
    for version in anomaly_versions():
        found = anomaly(version)
        if found.sha256 == sha256:
            return found
    raise UnknownPolicy(f"no published anomaly score has the hash {sha256}")
