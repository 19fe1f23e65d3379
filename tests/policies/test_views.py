"""Insurance over HTTP."""

import json
from datetime import timedelta

import pytest

from policies.models import PaymentTransaction, Policy, Quote
from tests import makers
from tests.makers import NOON
from tests.policies import makers as made

pytestmark = pytest.mark.django_db
QUOTES, POLICIES, PAYMENTS = "/api/v1/quotes/", "/api/v1/policies/", "/api/v1/payment-transactions/"


@pytest.fixture
def service():
    return makers.client(makers.user("service"))


@pytest.fixture
def analyst():
    return makers.client(makers.user("analyst"))


def offer(**more):
    user = more.pop("user", None) or makers.user()
    return {"external_id": "q1", "user_id": user.pk, "product": "motor", "premium_usd": "600.00"} | more


def test_from_a_quote_to_a_payment(service, analyst):
    user = makers.user()
    quote = service.post(QUOTES, offer(user=user, created_at="2026-06-15T12:00:00Z", instalments=12), format="json")
    assert quote.status_code == 201
    assert quote.json() | {"recorded_at": ""} == {
        "id": quote.json()["id"],
        "external_id": "q1",
        "user_id": user.pk,
        "product": "motor",
        "premium_usd": 600.00,
        "instalments": 12,
        "created_at": "2026-06-15T12:00:00Z",
        "recorded_at": "",
        "bound_at": None,
        "binding_recorded_at": None,
    }
    bound = {"external_id": "pol1", "quote_id": quote.json()["id"], "bound_at": "2026-06-15T12:30:00Z"}
    policy = service.post(POLICIES, bound, format="json")
    assert policy.status_code == 201
    assert policy.json() | {"recorded_at": ""} == {
        "id": policy.json()["id"],
        "external_id": "pol1",
        "quote_id": quote.json()["id"],
        "user_id": user.pk,
        "starts_date": "2026-06-15",
        "ends_date": "2027-06-15",
        "recorded_at": "",
    }
    paid = {
        "external_id": "pay1",
        "policy_id": policy.json()["id"],
        "payment_type": "Credit",
        "amount_usd": 50,
        "status": "succeeded",
        "attempted_at": "2026-06-15T12:31:00Z",
    }
    payment = service.post(PAYMENTS, paid, format="json")
    assert payment.status_code == 201
    assert payment.json() | {"id": 0, "recorded_at": ""} == paid | {"id": 0, "failure_reason": "", "recorded_at": ""}
    for path, made_row in ((QUOTES, quote), (POLICIES, policy), (PAYMENTS, payment)):
        detail = analyst.get(f"{path}{made_row.json()['id']}")
        assert detail.status_code == 200
        changed = {"bound_at", "binding_recorded_at"} if path == QUOTES else set()
        assert {k: v for k, v in detail.json().items() if k not in changed} == {
            k: v for k, v in made_row.json().items() if k not in changed
        }
        assert analyst.get(path).json()["results"] == [detail.json()]
    assert analyst.get(f"{QUOTES}{quote.json()['id']}").json()["bound_at"] == "2026-06-15T12:30:00Z"


def test_sent_again_it_is_known_and_told_otherwise_it_conflicts(service):
    body = offer()
    first, second = (service.post(QUOTES, body, format="json") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200) and first.json() == second.json()
    other = service.post(QUOTES, body | {"premium_usd": "600.01"}, format="json")
    assert other.status_code == 409 and other["Content-Type"] == "application/problem+json"
    bound = {"external_id": "pol1", "quote_id": first.json()["id"]}
    assert [service.post(POLICIES, bound, format="json").status_code for _ in range(2)] == [201, 200]
    assert service.post(POLICIES, bound | {"external_id": "pol2"}, format="json").status_code == 409
    assert Quote.objects.count() == Policy.objects.count() == 1


def test_ids_are_numbers_or_their_digits(service):
    user = makers.user()
    answer = service.post(QUOTES, offer() | {"user_id": str(user.pk)}, format="json")
    assert answer.status_code == 201 and answer.json()["user_id"] == user.pk


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 101}, "external_id"),
        ({"external_id": None}, "external_id"),
        ({"user_id": 0}, "user_id"),
        ({"user_id": -1}, "user_id"),
        ({"user_id": 10**30}, "user_id"),
        ({"user_id": 999_999_999}, "user_id"),
        ({"user_id": "abc"}, "user_id"),
        ({"user_id": True}, "user_id"),
        ({"user_id": [1]}, "user_id"),
        ({"product": "boat"}, "product"),
        ({"product": {"a": 1}}, "product"),
        ({"premium_usd": 0}, "premium_usd"),
        ({"premium_usd": -5}, "premium_usd"),
        ({"premium_usd": "NaN"}, "premium_usd"),
        ({"premium_usd": 1e20}, "premium_usd"),
        ({"premium_usd": "1.001"}, "premium_usd"),
        ({"premium_usd": True}, "premium_usd"),
        ({"instalments": 3}, "instalments"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": 5}, "created_at"),
        ({"created_at": "2999-01-01T00:00:00Z"}, "created_at"),
        ({"bound_at": "2026-01-01T00:00:00Z"}, "bound_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_quote_is_refused_by_the_name_of_its_field(service, changes, field):
    answer = service.post(QUOTES, json.dumps(offer() | changes), content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert [error["pointer"].split("/")[1] for error in answer.json()["errors"]] == [field]
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"policy_id": 999_999_999}, "policy_id"),
        ({"payment_type": "credit"}, "payment_type"),
        ({"payment_type": None}, "payment_type"),
        ({"amount_usd": 0}, "amount_usd"),
        ({"status": "pending"}, "status"),
        ({"failure_reason": "none"}, "failure_reason"),
        ({"failure_reason": "x" * 61, "status": "failed"}, "failure_reason"),
        ({"attempted_at": "2999-01-01T00:00:00Z"}, "attempted_at"),
        ({"recorded_at": "2026-01-01T00:00:00Z"}, "recorded_at"),
    ],
)
def test_a_bad_payment_is_refused_by_the_name_of_its_field(service, changes, field):
    paid = {"external_id": "p", "policy_id": made.policy().pk, "payment_type": "Debit", "amount_usd": 5,
            "status": "succeeded"}  # fmt: skip
    answer = service.post(PAYMENTS, json.dumps(paid | changes), content_type="application/json")
    assert answer.status_code == 400
    assert [error["pointer"].split("/")[1] for error in answer.json()["errors"]] == [field]
    assert not PaymentTransaction.objects.exists()


@pytest.mark.parametrize("body", [{}, [], [1, 2], "text", None])
@pytest.mark.parametrize("path", [QUOTES, POLICIES, PAYMENTS])
def test_what_is_no_object_of_ours_is_refused(service, path, body):
    assert service.post(path, json.dumps(body), content_type="application/json").status_code == 400


def test_a_binding_of_no_quote_or_before_it_is_refused(service):
    for body, field in (
        ({"external_id": "x", "quote_id": 999_999_999}, "#/quote_id"),
        ({"external_id": "x", "quote_id": made.quote().pk, "bound_at": "2001-01-01T00:00:00Z"}, "#/bound_at"),
    ):
        answer = service.post(POLICIES, body, format="json")
        assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == field


def test_lists_are_paged_newest_first_and_may_be_about_one_user(analyst):
    user = makers.user()
    policies = [made.policy(user, bound_at=NOON - timedelta(days=day)) for day in range(5)]
    payments = [made.payment(policy) for policy in policies]
    made.payment(made.policy())
    for path, mine in ((QUOTES, [p.quote_id for p in policies]), (POLICIES, [p.pk for p in policies]),
                       (PAYMENTS, [p.pk for p in payments])):  # fmt: skip
        page = analyst.get(f"{path}?limit=2&user_id={user.pk}").json()
        seen = [row["id"] for row in page["results"]]
        while page["next"]:
            page = analyst.get(page["next"]).json()
            seen += [row["id"] for row in page["results"]]
        assert seen == sorted(mine, reverse=True)
        assert len(analyst.get(path).json()["results"]) == 6


@pytest.mark.parametrize("path", [QUOTES, POLICIES, PAYMENTS])
def test_bad_questions_are_refused(analyst, path):
    for query in ("colour=red", "limit=0", "limit=101", "user_id=abc", "user_id=", "user_id=-1", "user_id=%00"):
        assert analyst.get(f"{path}?{query}").status_code == 400, query
    assert analyst.get(f"{path}?user_id=99999999999999999999999").status_code == 400
    for cursor in ("x", "cD1hYmM=", "cD0xMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"):  # p=abc, p=10^27
        assert analyst.get(f"{path}?cursor={cursor}").status_code == 404, cursor
    for number in ("0", "999999999", "9" * 30):
        assert analyst.get(f"{path}{number}").status_code == 404, number
    assert analyst.get(f"{path}abc").status_code == 404
    assert analyst.put(f"{path}1", {}, format="json").status_code in (403, 405)


def test_programs_write_and_staff_read():
    allowed = {"service": (400, 403), "operator": (403, 200), "analyst": (403, 200), "admin": (400, 200)}
    for role in ("client", "service", "analyst", "operator", "reviewer", "auditor", "admin"):
        caller = makers.client(makers.user(role))
        for path in (QUOTES, POLICIES, PAYMENTS):
            answers = caller.post(path, {}, format="json").status_code, caller.get(path).status_code
            assert answers == allowed.get(role, (403, 403)), (role, path)
