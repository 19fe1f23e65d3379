"""Decide stored decisions again from what they kept, and name those that come out otherwise."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from base.artifacts import ArtifactError
from loans.models import CreditDecision, PolicyVersion
from loans.policy.aftermath import aftermath
from loans.policy.deciding import FIRST_SHAPE, Case, Means, decide_case
from loans.policy.past import machine_decisions
from loans.policy.published import UnknownPolicy, anomaly_by_sha256, policy_of
from loans.published import UnknownScorecard, scorecard_by_sha256
from loans.scorecard import InvalidInput

UNREADABLE = (UnknownPolicy, UnknownScorecard, ArtifactError, InvalidInput, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that comes out otherwise. fields: name → (stored, again); problem: why it cannot be made again."""

    decision: CreditDecision
    fields: dict[str, tuple[Any, Any]]
    problem: str = ""


def replay(since: datetime | None = None) -> Iterator[Difference | None]:
    """For each stored decision None, or how it differs. Holds one page of decisions at a time."""
    means_as_kept.cache_clear()
    for page in machine_decisions(since):
        for decision in page:
            yield differences(decision)


def differences(decision: CreditDecision) -> Difference | None:
    try:
        case, means = Case.from_dict(decision.inputs), means_kept(decision.inputs)
        shape = decision.inputs.get("shape", FIRST_SHAPE)
        again = decide_case(case, means, shape)
        again["explanation"] |= aftermath(case, means, again)
    except UNREADABLE as error:
        return Difference(decision, {}, f"{type(error).__name__}: {error}")
    stored = {name: getattr(decision, name) for name in again}
    if shape == FIRST_SHAPE:
        stored, again = first_shape(stored), first_shape(again)
    request = decision.loan_request  # its own columns, beside the copy that was decided on
    stored |= {"requested_amount": float(request.requested_amount), "term_months": request.term_months}
    again |= {
        "requested_amount": case.application.requested_amount,
        "term_months": case.application.term_months,
    }
    fields = {name: (stored[name], again[name]) for name in again if canonical(stored[name]) != canonical(again[name])}
    return Difference(decision, fields) if fields else None


def means_kept(inputs: Mapping[str, Any]) -> Means:
    """What a decision was made with. Raises UnknownPolicy, UnknownScorecard, ArtifactError."""
    return means_as_kept(inputs["policy"]["version"], inputs["scorecard_sha256"], inputs.get("anomaly_sha256"))


@functools.lru_cache(maxsize=100)
def means_as_kept(version: str, card_sha256: str, anomaly_sha256: str | None) -> Means:
    row = PolicyVersion.objects.select_related("rule_set").filter(version=version).first()
    if row is None:
        raise UnknownPolicy(f"there is no policy {version}")
    anomaly = anomaly_by_sha256(anomaly_sha256) if anomaly_sha256 else None
    return Means(policy_of(row), scorecard_by_sha256(card_sha256), anomaly)


def first_shape(results: dict[str, Any]) -> dict[str, Any]:
    """As the first decisions told it: no evidence, and no points lost by reason."""

    def short(reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: one[name] for name in ("code", "text", "rank")} for one in reasons]

    explanation = results["explanation"]
    return results | {
        "fraud_evidence": [],
        "adverse_reasons": short(results["adverse_reasons"]),
        "explanation": explanation | {"adverse_reasons": short(explanation["adverse_reasons"])},
    }


def canonical(value: Any) -> str:
    """JSON with keys in order. PostgreSQL's JSON does not tell 1.0 from 1, so neither does this."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number
