"""The answer to a loan request, key by key: names, types and meanings of its document."""

import re

import pytest

from tests import makers

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The document's example; each value is one of its type.
EXAMPLE = {
    "loan_request": {
        "id": "uuid",
        "borrower_id": "uuid",
        "requested_amount": 12000,
        "purpose": "business_expansion",
        "status": "pending",
        "audit_logged": True,
    },
    "credit_decision": {
        "id": "uuid",
        "ai_signals": {
            "base_credit_score": 70,
            "trust_score": 0.85,
            "trust_boost": 17.0,
            "final_credit_score": 87,
            "fraud_score": 0.15,
            "fraud_flags": [],
            "risk_level": "low",
            "flag_risk": False,
        },
        "policy_decision": {
            "decision": "approved",
            "reasons": ["Credit score meets approval threshold (87 >= 70)"],
            "policy_version": "2.0",
        },
        "explanation": {},
        "model_version": "ensemble-v2.0+fraud-v2.0+decision-v2.0",
    },
    "background_task_queued": True,
    "background_task_note": "Feature computation running in background",
}


def differences(example, answer, path=""):
    """Where an answer lacks a key of the example or has another type."""
    if isinstance(example, dict):
        if not isinstance(answer, dict):
            return [f"{path} is no object"]
        missing = [f"{path}/{key} is missing" for key in example if key not in answer]
        return missing + [d for key in example if key in answer
                          for d in differences(example[key], answer[key], f"{path}/{key}")]  # fmt: skip
    if example == "uuid":
        return [] if UUID.fullmatch(answer) else [f"{path} is no id"]
    if path.endswith("requested_amount"):
        return [] if isinstance(answer, int | float) and not isinstance(answer, bool) else [f"{path} is no number"]
    return [] if type(example) is type(answer) else [f"{path} is a {type(answer).__name__}"]


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [12_000, 600_000, 9_000_000])
def test_the_answer_is_the_documents(known_borrower, amount):
    asked = {"requested_amount": amount, "purpose": "business_expansion"}
    client = makers.client(known_borrower.user)
    body = client.post("/api/v1/loans/request", asked, format="json").json()
    assert not differences(EXAMPLE, body)
    assert set(body) - set(EXAMPLE) == {"task_id"}
    signals, policy = body["credit_decision"]["ai_signals"], body["credit_decision"]["policy_decision"]
    assert set(signals) == set(EXAMPLE["credit_decision"]["ai_signals"])
    assert 0 <= signals["trust_score"] <= 1 and 0 <= signals["fraud_score"] <= 1
    total = signals["base_credit_score"] + signals["trust_boost"]
    assert signals["final_credit_score"] == min(100, max(0, total))
    assert signals["risk_level"] in ("low", "medium", "high")
    assert policy["decision"] in ("approved", "review", "declined") and len(policy["reasons"]) >= 2
    status = {"approved": "approved", "review": "pending", "declined": "declined"}[policy["decision"]]
    assert body["loan_request"]["status"] == status
    stored = client.get(f"/api/v1/loans/{body['loan_request']['id']}").json()
    assert stored["credit_decision"] == body["credit_decision"]


@pytest.mark.django_db
def test_a_borrower_without_behaviour_has_neither_trust_nor_boost():
    asked = {"requested_amount": 12_000, "purpose": "car"}
    signals = makers.client(makers.user()).post("/api/v1/loans/request", asked, format="json").json()
    signals = signals["credit_decision"]["ai_signals"]
    assert (signals["trust_score"], signals["trust_boost"]) == (0.0, 0.0)
    assert signals["final_credit_score"] == signals["base_credit_score"]
