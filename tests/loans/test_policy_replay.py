"""Every stored decision comes out again as it is stored, or is named."""

import json
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from loans.models import CreditDecision, LoanRequest, ReviewItem
from loans.policy.deciding import Case, decide_case
from loans.policy.past import first_id_of
from loans.policy.replay import canonical, means_kept, replay
from loans.review import work
from tests import makers
from tests.loans.policies import activated, ask, reviewer, rule

pytestmark = pytest.mark.django_db
SNEAK = "UPDATE loans_creditdecision SET {} WHERE id = %s"


@contextmanager
def owner(table="loans_creditdecision"):
    """A cursor of somebody who owns the table and has switched its triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def sneak(decision, change):
    with owner() as cursor:
        cursor.execute(SNEAK.format(change), [decision.pk])


def replayed(*options):
    out = StringIO()
    try:
        call_command("replay_decisions", *options, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_decisions_of_several_policies_come_out_the_same(known_borrower):
    for amount in (1_000, 45_000, 333_333.33, 900_000):
        ask(known_borrower.user, amount=amount)
    ask(makers.user(), amount=150_000)
    activated("2.0", approve_from=90, approve_from_application=95, max_amount=5_000)
    ask(known_borrower.user, amount=7_000, device="device-0001")
    activated("3.0", based_on="1.1")
    ask(known_borrower.user, amount=8_000, device="device-0001")
    decisions = CreditDecision.objects.values_list("policy_version", flat=True)
    assert sorted(set(decisions)) == ["1.0", "2.0", "3.0"]
    assert list(replay()) == [None] * 7
    assert replayed() == (0, "7 decisions decided again, 0 differ\n")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("final_credit_score = final_credit_score + 1", "final_credit_score"),
        ("default_probability = default_probability + 1e-15", "default_probability"),
        ("outcome = 'declined'", "outcome"),
        ("fraud_flags = '[\"velocity_ip_1h\"]'", "fraud_flags"),
        ("reasons = '[]'", "reasons"),
        ("policy_version = '1.1'", "policy_version"),
        ("explanation = jsonb_set(explanation, '{points,0,points}', '99')", "explanation"),
        ("inputs = jsonb_set(inputs, '{application,requested_amount}', '99')", "requested_amount"),
    ],
)
def test_a_changed_value_is_named(known_borrower, change, field):
    ask(known_borrower.user)
    wrong = ask(known_borrower.user).decision
    sneak(wrong, change)
    code, told = replayed()
    assert code == 1 and f"decision {wrong.pk} of request {wrong.loan_request_id} differs" in told
    assert f"  {field}: stored " in told and "2 decisions decided again, 1 differ" in told


def test_what_cannot_be_decided_again_is_named_too():
    gone, garbled = ask().decision, ask().decision
    sneak(gone, "inputs = jsonb_set(inputs, '{scorecard_sha256}', '\"0000\"')")
    sneak(garbled, "inputs = '{}'")
    code, told = replayed("--json")
    lines = [json.loads(line) for line in told.splitlines()[:2]]
    assert code == 1 and [line["decision"] for line in lines] == [str(gone.pk), str(garbled.pk)]
    assert "0000" in lines[0]["problem"] and "KeyError" in lines[1]["problem"]


def test_an_edited_policy_betrays_itself_by_its_decisions():
    ask(amount=50_000)
    with owner("loans_policyversion") as cursor:
        cursor.execute("UPDATE loans_policyversion SET approve_from_application = 71, review_from = 51")
    code, told = replayed()
    assert code == 1 and "reasons: stored" in told


def test_only_decisions_since_a_moment_are_looked_at():
    sneak(ask().decision, "outcome = 'declined'")
    assert replayed("--since", (timezone.now() - timedelta(days=1)).isoformat())[0] == 1
    assert replayed("--since", (timezone.now() + timedelta(seconds=1)).isoformat()) == (
        0,
        "0 decisions decided again, 0 differ\n",
    )


def test_ids_of_a_moment_lie_above_its_first_id():
    before = timezone.now()
    decision = ask().decision
    assert first_id_of(before) < decision.pk < first_id_of(timezone.now() + timedelta(seconds=2))


def test_a_decision_of_the_first_shape_is_read(known_borrower):
    """Three counts by name, the policy's limits inside, no points lost and no evidence."""
    decision = ask(known_borrower.user, amount=700_000).decision
    inputs = decision.inputs
    inputs["fraud_facts"] = {
        "requests_1h": 0,
        "requests_24h": 0,
        "other_borrowers_on_ip_1h": 0,
        **{name: inputs["fraud_facts"][name] for name in ("requested_amount", "account_age_days")},
        "largest_past_amount": None,
    }
    del inputs["shape"], inputs["anomaly_sha256"], inputs["asked_date"]
    short = [{name: one[name] for name in ("code", "text", "rank")} for one in decision.adverse_reasons]
    with owner() as cursor:
        cursor.execute(
            "UPDATE loans_creditdecision SET inputs = %s, adverse_reasons = %s, fraud_evidence = '[]', "
            "explanation = jsonb_set(explanation, '{adverse_reasons}', %s) WHERE id = %s",
            [json.dumps(inputs), json.dumps(short), json.dumps(short), decision.pk],
        )
    assert list(replay()) == [None]


def test_a_decision_of_the_second_shape_blames_the_score_that_was_enough(known_borrower):
    activated("2.0", max_amount=1_000)
    decision = ask(known_borrower.user, amount=20_000).decision
    then = decide_case(Case.from_dict(decision.inputs), means_kept(decision.inputs), shape=2)["adverse_reasons"]
    assert [one["points_lost"] for one in decision.adverse_reasons] == [None]
    assert len(then) > 1 and then[1]["points_lost"] > 0
    with owner() as cursor:
        cursor.execute(
            "UPDATE loans_creditdecision SET inputs = %s, adverse_reasons = %s, "
            "explanation = jsonb_set(explanation, '{adverse_reasons}', %s) WHERE id = %s",
            [json.dumps(decision.inputs | {"shape": 2}), json.dumps(then), json.dumps(then), decision.pk],
        )
    assert list(replay()) == [None]


def test_what_a_reviewer_decided_is_theirs_and_not_decided_again(known_borrower):
    activated("2.0", max_amount=1_000)
    request, person = ask(known_borrower.user, amount=20_000).request, reviewer()
    item = ReviewItem.objects.get(loan_request=request)
    work.claim_item(item_id=item.pk, user=person)
    work.decide_item(item_id=item.pk, user=person, approve=True, note="I know them")
    assert [one.outcome for one in request.decisions.order_by("number")] == ["review", "approved"]
    assert replayed() == (0, "1 decisions decided again, 0 differ\n")


def test_numbers_are_compared_by_value_and_texts_by_letter():
    assert canonical({"b": 1.0, "a": [True, None]}) == canonical({"a": [True, None], "b": 1})
    assert canonical(0.1 + 0.2) != canonical(0.3)
    assert canonical("1") != canonical(1)
    assert canonical(True) != canonical(1)


def test_evidence_is_kept_for_staff_and_the_borrower_sees_the_flag(known_borrower):
    activated("2.0", rules=[rule("same_device", "velocity", {"subject": "device", "window_s": 600, "from": 1}, 0.7)])
    client = makers.client(known_borrower.user)
    asked = {"requested_amount": 1_000, "purpose": "car"}
    headers = {"X-Device-Id": "a-device-of-mine"}
    for _ in range(2):
        body = client.post("/api/v1/loans/request", asked, format="json", headers=headers).json()
    assert body["credit_decision"]["ai_signals"]["fraud_flags"] == ["same_device"]
    decision = CreditDecision.objects.get(pk=body["credit_decision"]["id"])
    [evidence] = decision.fraud_evidence
    assert evidence["found"] == {"requests": 1, "subject": "device", "window_s": 600}
    assert evidence["limits"] == {"subject": "device", "window_s": 600, "from": 1}
    detail = client.get(f"/api/v1/loans/{body['loan_request']['id']}").content.decode()
    assert "window_s" not in detail and "evidence" not in detail and "same_device" in detail
    row = LoanRequest.objects.get(pk=body["loan_request"]["id"])
    assert len(row.device_hash) == 64 and "mine" not in row.device_hash


@pytest.mark.parametrize("device", ["short", "x" * 129, "spaces in it", "ünïcödé-device"])
def test_a_malformed_device_is_refused(device):
    answer = makers.client(makers.user()).post(
        "/api/v1/loans/request", {"requested_amount": 10, "purpose": "x"}, format="json", HTTP_X_DEVICE_ID=device
    )
    assert answer.status_code == 400 and not LoanRequest.objects.exists()
