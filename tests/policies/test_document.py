"""The feature store's document, example by example: its requests, answered with its keys, values and types."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from policies.models import PaymentTransaction, Policy, Quote
from tests import makers

pytestmark = pytest.mark.django_db
BASE = "/api/v1/features"
PURCHASED = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
KEYS = ["feature_type", "entity_id", "feature_value", "computed_at", "success"]


@pytest.fixture
def customer():
    """User 123, who took quote 123 in an hour and a half, and paid with transaction 123 after failing twice."""
    user = makers.user(id=123)
    quote = Quote.objects.create(
        id=123,
        external_id="quote",
        user=user,
        product="motor",
        premium_usd=Decimal("480.00"),
        instalments=12,
        created_at=PURCHASED - timedelta(hours=2),
        bound_at=PURCHASED - timedelta(minutes=30),
        binding_recorded_at=PURCHASED,
    )
    day = PURCHASED.date()
    policy = Policy.objects.create(
        external_id="policy", quote=quote, user=user, starts_date=day, ends_date=day + timedelta(days=365)
    )
    for number, minutes, status in ((121, -20, "failed"), (122, -10, "failed"), (123, 0, "succeeded")):
        PaymentTransaction.objects.create(
            id=number,
            external_id=f"payment-{number}",
            policy=policy,
            payment_type="Credit",
            amount_usd=Decimal("40.00"),
            status=status,
            attempted_at=PURCHASED + timedelta(minutes=minutes),
        )
    return user


@pytest.fixture
def service():
    return makers.client(makers.user("service"))


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def is_recent(text: str) -> bool:
    return timedelta() <= timezone.now() - datetime.fromisoformat(text) < timedelta(minutes=1)


EXAMPLES = [
    ("user_policy_time_of_purchase", "2025-01-15T10:30:00"),
    ("user_failed_transaction_count", 2),
    ("quote_creation_to_binding_time", 5400),
    ("payment_type", "Credit"),
]


def same(value, meant) -> None:
    """A time may be written with its fraction and zone; it is the same moment."""
    if isinstance(meant, str) and meant.startswith("20"):
        assert value.startswith(meant) and datetime.fromisoformat(value) == PURCHASED
    else:
        assert value == meant and type(value) is type(meant)


@pytest.mark.parametrize(("feature_type", "meant"), EXAMPLES)
def test_inference_computes_what_is_not_cached(service, customer, feature_type, meant):
    answer = service.post(f"{BASE}/inference", {"feature_type": feature_type, "entity_id": "123"}, format="json")
    body = answer.json()
    assert answer.status_code == 200 and list(body)[:5] == KEYS
    assert (body["feature_type"], body["entity_id"], body["success"]) == (feature_type, "123", True)
    same(body["feature_value"], meant)
    assert is_recent(body["computed_at"])


@pytest.mark.parametrize(("feature_type", "meant"), EXAMPLES)
def test_inference_from_the_tables_as_they_are_now(service, customer, feature_type, meant):
    asked = {"feature_type": feature_type, "entity_id": "123", "max_age_s": 0}
    body = service.post(f"{BASE}/inference", asked, format="json").json()
    assert set(KEYS) <= set(body) and body["success"] is True
    same(body["feature_value"], meant)


@pytest.mark.parametrize(("feature_type", "_"), EXAMPLES)
@pytest.mark.parametrize("nobody", ["124", "abc", "99999999999999999999999"])
def test_inference_about_nobody_says_so(service, customer, feature_type, _, nobody):
    body = service.post(f"{BASE}/inference", {"feature_type": feature_type, "entity_id": nobody}, format="json").json()
    assert body["success"] is False and body["feature_value"] is None and body["error"]


def test_training_answers_row_by_row_and_goes_on_over_failures(customer):
    asked = [
        {"feature_type": "user_policy_time_of_purchase", "entity_id": "123"},
        {"feature_type": "user_failed_transaction_count", "entity_id": "123"},
        {"feature_type": "no_such_feature", "entity_id": "123"},
        {"feature_type": "user_failed_transaction_count", "entity_id": "abc"},
        {"feature_type": "payment_type", "entity_id": "121"},
    ]
    analyst = makers.client(makers.user("analyst"))
    body = analyst.post(f"{BASE}/training", {"features": asked}, format="json").json()
    assert list(body)[:3] == ["results", "total_requested", "total_successful"]
    assert (body["total_requested"], body["total_successful"]) == (5, 3)
    for row, meant in zip(body["results"], ["2025-01-15T10:30:00", 2, None, None, "Credit"], strict=True):
        assert list(row)[:5] == KEYS and row["success"] is (meant is not None)
        assert bool(row.get("error")) is (meant is None)
        same(row["feature_value"], meant)
    assert [{key: row[key] for key in ("feature_type", "entity_id")} for row in body["results"]] == asked


def test_discovery_names_the_four_features(service):
    rows = {row["feature_type"]: row for row in service.get(f"{BASE}/discovery").json()}
    first = rows["user_policy_time_of_purchase"]
    assert {"name", "description", "created_at"} <= set(first)
    assert first["name"] == "User Policy Time of Purchase"
    assert {(name, rows[name]["entity_type"], rows[name]["data_type"]) for name, _ in EXAMPLES} == {
        ("user_policy_time_of_purchase", "user_id", "datetime"),
        ("user_failed_transaction_count", "user_id", "integer"),
        ("quote_creation_to_binding_time", "quote_id", "integer"),
        ("payment_type", "payment_transaction_id", "string"),
    }


def test_extraction_fills_the_cache_for_everybody(operator, customer):
    answer = operator.post(f"{BASE}/extract", format="json")
    body = answer.json()
    assert answer.status_code == 200 and {"message", "features_extracted", "total_features"} <= set(body)
    extracted = {name: body["features_extracted"][name] for name, _ in EXAMPLES}
    assert extracted == {
        "user_policy_time_of_purchase": 1,
        "user_failed_transaction_count": 1,
        "quote_creation_to_binding_time": 1,
        "payment_type": 3,
    }
    assert body["total_features"] == sum(body["features_extracted"].values())
