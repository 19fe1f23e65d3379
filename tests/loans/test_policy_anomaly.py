"""The anomaly score: robust, explained, and silent where something is not known."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from base.artifacts import ArtifactError
from loans.models import CreditDecision
from loans.policy.anomaly import FARTHEST, Anomaly, TooFewRows, fit, found_odd
from loans.policy.published import FOLDER, UnknownPolicy, anomaly, anomaly_by_sha256
from loans.policy.replay import replay
from tests.loans.policies import activated, ask

ROWS = [{"a": float(n % 50), "b": float(n % 7), "same": 1.0, "some": None if n == 3 else 2.0} for n in range(400)]


def fitted(rows=ROWS):
    return Anomaly.from_artifact(fit(rows, version="t", created_on=date(2026, 1, 1), definitions=[]))


def test_only_features_that_are_always_known_and_differ_count():
    assert set(fitted().usual) == {"a", "b"}


def test_the_middle_is_usual_and_the_edge_is_not():
    usual, odd = fitted().score({"a": 24.5, "b": 3.0}), fitted().score({"a": 5_000.0, "b": 3.0})
    assert usual.score == 0 and odd.score == 1
    assert (odd.parts[0].feature, odd.parts[0].spreads) == ("a", FARTHEST)
    assert sum(part.share for part in odd.parts) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("features", [{}, {"a": 1.0}, {"a": 1.0, "b": None}, {"a": float("nan"), "b": 1.0}])
def test_where_something_is_not_known_nothing_is_said(features):
    assert fitted().score(features) is None


@given(some.floats(-1e12, 1e12), some.floats(0, 1e12))
def test_farther_is_never_less_odd(a, more):
    card = fitted()
    middle = card.usual["a"][0]
    near, far = (card.score({"a": middle + step, "b": 3.0}) for step in (abs(a), abs(a) + more))
    assert 0 <= near.score <= far.score <= 1


def test_the_flag_is_raised_from_the_limit_on():
    odd = fitted().score({"a": 5_000.0, "b": 3.0})
    [found] = found_odd(odd, limit=0.99, weight=0.3)
    assert (found.flag, found.weight) == ("unusual_behaviour", 0.3)
    assert found.evidence["features"][0]["feature"] == "a"
    assert found_odd(fitted().score({"a": 25.0, "b": 3.0}), limit=0.99, weight=0.3) == []
    assert found_odd(None, limit=0.99, weight=0.3) == []


def test_a_few_borrowers_are_too_few():
    with pytest.raises(TooFewRows):
        fitted(ROWS[:20])


def test_the_published_score_is_plain_json_that_its_hash_protects():
    stored = json.loads((FOLDER / "anomaly-v1.json").read_text())
    assert anomaly("v1").sha256 == stored["sha256"] == anomaly_by_sha256(stored["sha256"]).sha256
    stored["features"]["balance_last"]["spread"] *= 2
    with pytest.raises(ArtifactError, match="hash"):
        Anomaly.from_artifact(stored)
    with pytest.raises(UnknownPolicy):
        anomaly_by_sha256("00")


@pytest.mark.django_db
def test_odd_behaviour_is_a_flag_with_evidence_and_comes_out_again(known_borrower):
    activated("2.0", anomaly="v1", anomaly_from=0.01, anomaly_weight=0.3)
    decision = ask(known_borrower.user).decision
    assert decision.fraud_flags == ["unusual_behaviour"] and decision.fraud_score == 0.3
    assert "anomaly-v1" in decision.model_version
    [evidence] = decision.fraud_evidence
    assert len(evidence["features"]) == 5 and 0 < evidence["found"]["score"] <= 1
    assert list(replay()) == [None]


@pytest.mark.django_db
def test_without_features_there_is_no_anomaly():
    activated("2.0", anomaly="v1", anomaly_from=0.01, anomaly_weight=0.3)
    ask()
    assert CreditDecision.objects.get().fraud_flags == []
