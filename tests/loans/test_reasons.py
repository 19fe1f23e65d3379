"""The words a borrower may be told."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans import reasons
from loans.policy import anomaly
from loans.policy.fraud import FraudVerdict
from loans.policy.shipped import FIRST, FIRST_RULES, MORE_RULES
from loans.published import FOLDER, scorecard
from loans.rules import LARGE_AMOUNT, decide, principal_reasons
from loans.scorecard import PrincipalReason, Reason, Scored
from tests import makers


def every_reason():
    """(code, text) of each reason in code and in every published card."""
    for reason in reasons.catalogue().values():
        yield reason.code, reason.text
    for rule in FIRST_RULES + MORE_RULES:
        yield rule.reason.code, rule.reason.text
    for path in FOLDER.glob("scorecard-*.json"):
        if path.name.endswith(".report.json"):
            continue
        for card in json.loads(path.read_text())["cards"].values():
            for one in card["characteristics"]:
                for reason in (one["reason"], one["missing_reason"]):
                    yield reason["code"], reason["text"]


@pytest.mark.parametrize(("code", "text"), sorted(set(every_reason())))
def test_a_reason_is_specific_and_never_a_rule_or_a_score(code, text):
    assert re.fullmatch(r"[A-Z][0-9]{2}", code)
    assert 10 <= len(text) <= 100 and text[0].isupper() and not text.endswith(".")
    assert not reasons.VAGUE.search(text)


def test_a_code_has_one_text():
    """The published card's and the rules' reasons share one list of codes."""
    characteristics = [one for card in scorecard().cards.values() for one in card.characteristics]
    found = {reason for one in characteristics for reason in (one.reason, one.missing_reason)}
    found |= {rule.reason for rule in FIRST_RULES + MORE_RULES} | {anomaly.REASON, LARGE_AMOUNT, *reasons.REVIEWERS}
    assert len({reason.code for reason in found}) == len(found) == len(reasons.catalogue())


@pytest.mark.parametrize("codes", [[], ["nope"], ["R01", "R01"], ["R01", "R02", "R03", "R04", "R05"]])
def test_a_decline_needs_one_to_four_known_reasons(codes):
    with pytest.raises(reasons.UnknownReason):
        reasons.chosen(codes, [])


@pytest.mark.django_db
def test_every_decision_that_does_not_approve_has_one_to_four_reasons(known_borrower):
    client, seen = makers.client(known_borrower.user), set()
    for amount in (10_000, 400_000, 600_000, 900_000, 5_000_000, 9_000_000_000):
        asked = {"requested_amount": amount, "purpose": "house"}
        decision = client.post("/api/v1/loans/request", asked, format="json").json()["credit_decision"]
        outcome, against = decision["policy_decision"]["decision"], decision["explanation"]["adverse_reasons"]
        seen.add(outcome)
        assert len(against) == 0 if outcome == "approved" else 1 <= len(against) <= 4
        assert [reason["rank"] for reason in against] == list(range(1, len(against) + 1))
        assert all({"code", "text", "rank", "points_lost"} == set(reason) for reason in against)
        if offer := decision["explanation"].get("counter_offer"):
            assert outcome != "approved" and not decision["ai_signals"]["fraud_flags"]
            assert set(offer) == {"amount", "term_months", "valid_until"} and offer["amount"] <= amount
    assert len(seen) > 1


@given(
    st.lists(st.sampled_from([Reason("F01", "a"), Reason("F02", "b"), LARGE_AMOUNT]), unique=True, max_size=3),
    st.lists(st.builds(PrincipalReason, st.sampled_from(["B01", "B02", "B03", "B04", "B05"]), st.just("c"),
                       st.integers(1, 30)), unique_by=lambda one: one.code, max_size=5),
)  # fmt: skip
def test_there_are_always_one_to_four_in_order_of_rank(leading, scored):
    found = principal_reasons(leading, scored)
    assert 1 <= len(found) <= 4 and [one.rank for one in found] == list(range(1, len(found) + 1))
    wanted = [one.code for one in leading] + [one.code for one in scored]
    assert [one.code for one in found] == (wanted[:4] or [LARGE_AMOUNT.code])


def test_a_score_that_was_enough_is_no_reason():
    """A review that fraud rules asked for is not blamed on points that cost nothing."""
    flag, lost = Reason("F02", "Unable to verify application information"), PrincipalReason("B01", "balance", 12)
    suspected = FraudVerdict(score=0.6, flags=("shared",), reasons=(flag,))
    scored = Scored("behaviour", "v2", 80, 5, 0.5, 85, 85, 0.01, (), (lost,))
    assert [one.code for one in decide(scored, suspected, FIRST, Decimal(1000)).adverse_reasons] == ["F02"]
    low = replace(scored, final_credit_score=60)
    assert [one.code for one in decide(low, suspected, FIRST, Decimal(1000)).adverse_reasons] == ["F02", "B01"]
