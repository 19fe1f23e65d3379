"""The console's pages: what they show, how rows are found, and the figures of the dashboard."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from features.models import FeatureSetVersion, FeatureValue
from policies import dashboard
from tests import makers
from tests.console.conftest import staff  # noqa: F401 - the fixture
from tests.policies import makers as made

pytestmark = pytest.mark.django_db


def page(browser, row) -> str:
    answer = browser.get(reverse(f"admin:policies_{row._meta.model_name}_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def found(browser, model: str, query: str) -> list:
    answer = browser.get(reverse(f"admin:policies_{model}_changelist"), {"q": query})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def stored(set_name: str, entity, values: dict) -> FeatureValue:
    now = timezone.now()
    row = FeatureSetVersion.objects.get(name=set_name)
    return FeatureValue.objects.create(
        feature_set=row, entity_id=str(entity.pk), as_of=now, computed_at=now, source_rows=1, vals=values
    )


def test_each_page_leads_to_the_others_and_to_the_features(staff):  # noqa: F811
    payment = made.payment(made.policy(), status="failed", failure_reason="expired_card")
    policy, quote, user = payment.policy, payment.policy.quote, payment.policy.user
    values = [
        stored("payment_type", payment, {"payment_type": "Credit"}),
        stored("quote_binding", quote, {"quote_creation_to_binding_time": 3600}),
        stored("policy_payments", user, {"user_failed_transaction_count": 7}),
    ]
    links = {
        row: reverse(f"admin:policies_{row._meta.model_name}_change", args=[row.pk]) for row in (quote, policy, payment)
    }
    of_value = [reverse("admin:features_featurevalue_change", args=[value.pk]) for value in values]
    operator = staff("operator")
    for row, shown in (
        (payment, [links[policy], of_value[0], of_value[2], "expired card", "user_failed_transaction_count"]),
        (policy, [links[quote], links[payment], of_value[2]]),
        (quote, [links[policy], of_value[1], of_value[2], "quote_creation_to_binding_time", "3600", "60 min"]),
    ):
        text = page(operator, row)
        assert [word for word in shown if word not in text] == []


def test_rows_are_found_by_number_external_id_and_what_they_belong_to(staff):  # noqa: F811
    payment, other = made.payment(made.policy()), made.payment(made.policy())
    policy, quote, operator = payment.policy, payment.policy.quote, staff("operator")
    assert found(operator, "quote", quote.external_id) == found(operator, "quote", str(quote.pk)) == [quote]
    assert found(operator, "policy", policy.external_id) == [policy]
    assert found(operator, "paymenttransaction", payment.external_id) == [payment]
    for model in ("quote", "policy", "paymenttransaction"):
        assert found(operator, model, "nonsense") == []
    assert other.pk


def test_rows_are_looked_at_and_never_changed_by_hand(staff):  # noqa: F811
    boss, payment = staff("admin"), made.payment(made.policy())
    for row in (payment, payment.policy, payment.policy.quote):
        url = reverse(f"admin:policies_{row._meta.model_name}_change", args=[row.pk])
        assert boss.post(url, {}).status_code == 403


def test_the_dashboard_counts_payments_and_failures_by_day():
    now = timezone.now()
    policy = made.policy(bound_at=now - timedelta(days=30))
    for status, days in (("succeeded", 0), ("succeeded", 0), ("failed", 0), ("failed", 3), ("failed", 20)):
        made.payment(policy, attempted_at=now - timedelta(days=days), status=status)
    boss = makers.user("admin", is_superuser=True)
    panels = {panel.title: panel for panel in dashboard.cards(boss)}
    chart = panels["Payments, last 14 days"]
    by_status = {series.label: series.values for series in chart.series}
    assert (by_status["succeeded"][-1], by_status["failed"][-1], by_status["failed"][-4]) == (2, 1, 1)
    assert sum(map(sum, by_status.values())) == 4
    assert panels["Payments that fail"].value == "50.0 %"
    assert dashboard.cards(makers.user("auditor")) == []
