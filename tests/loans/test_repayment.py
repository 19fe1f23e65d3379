"""Granted loans: what is due, paid and missed, and what the next request knows of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import InternalError, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from features.models import FeatureValue, RawEvent
from features.values.materialize import refresh
from loans.features import LendingHistory
from loans.models import Instalment, Loan, LoanPayment, LoanRequest
from loans.repayment import book
from tests import makers
from tests.loans.test_review import in_review


def approved(amount=12_000, months=12):
    item = in_review()
    LoanRequest.objects.filter(pk=item.loan_request_id).update(
        status="approved", requested_amount=amount, term_months=months
    )
    return LoanRequest.objects.get(pk=item.loan_request_id)


@given(st.decimals(min_value="0.01", max_value=9_999_999_999, places=2), st.integers(1, 120))
def test_instalments_add_up_to_the_amount(amount, months):
    parts = book.split(amount, months)
    assert sum(parts) == amount and all(part > 0 for part in parts) and len(parts) <= months


def test_a_month_later_is_the_same_day_or_the_last():
    day = datetime(2027, 12, 31, tzinfo=UTC).date()
    assert [book.months_later(day, n).isoformat() for n in (1, 2, 12)] == ["2028-01-31", "2028-02-29", "2028-12-31"]


@pytest.mark.django_db
def test_a_program_grants_a_loan_and_tells_of_payments_each_once():
    request, service = approved(), makers.client(makers.user("service"))
    path, today = f"/api/v1/loans/{request.pk}", timezone.now().date()
    grant = {"external_id": "bank-1", "granted_date": (today - timedelta(days=40)).isoformat()}
    assert service.post(f"{path}/payments", payment(1), format="json").status_code == 409
    answers = [service.post(f"{path}/grant", grant, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert len(answers[0].json()["instalments"]) == 12 and Instalment.objects.count() == 12
    paid = [service.post(f"{path}/payments", payment(1), format="json") for _ in range(2)]
    assert [answer.status_code for answer in paid] == [201, 200] and LoanPayment.objects.count() == 1
    other = service.post(f"{path}/payments", payment(1) | {"external_id": "other"}, format="json")
    assert other.status_code == 409
    event = RawEvent.objects.get(event_type="loans.repaid")
    assert (event.entity_id, event.value) == (str(request.borrower_id), Decimal(1000))
    assert makers.client(makers.user("operator")).post(f"{path}/payments", payment(2), format="json").status_code == 403


def payment(number, at="2026-06-01T12:00:00Z"):
    return {"external_id": f"payment-{number}", "instalment": number, "paid_at": at}


@pytest.mark.django_db
def test_what_went_by_unpaid_is_missed_once_and_may_still_be_paid():
    request, now = approved(months=3), timezone.now()
    book.grant_loan(request=request, external_id="bank-2", granted_date=now.date() - timedelta(days=80))
    assert (book.mark_missed(), book.mark_missed()) == (2, 0)
    assert RawEvent.objects.filter(event_type="loans.missed").count() == 2
    for number in (1, 2, 3):
        book.record_payment(request=request, external_id=f"late-{number}", instalment=number, paid_at=now)
    assert Loan.objects.get(request=request).outcome == "repaid"
    with pytest.raises(InternalError, match="append_only"), transaction.atomic():
        LoanPayment.objects.update(kind="paid")


@pytest.mark.django_db
def test_the_next_request_sees_requests_declines_and_repayments(borrower):
    client, asked = makers.client(borrower.user), {"requested_amount": 12_000, "purpose": "car"}
    for _ in range(2):
        first = client.post("/api/v1/loans/request", asked, format="json").json()
    request = LoanRequest.objects.get(pk=first["loan_request"]["id"])
    LoanRequest.objects.filter(pk=request.pk).update(status="approved")
    book.grant_loan(request=request, external_id="bank-3", granted_date=timezone.now().date() - timedelta(days=80))
    book.mark_missed()
    book.record_payment(request=request, external_id="p1", instalment=1, paid_at=timezone.now())
    refresh("borrower", [str(borrower.pk)])
    values = FeatureValue.objects.get(entity_id=str(borrower.pk), feature_set__name=LendingHistory.name).vals
    assert (values["requests_30d"], values["repayments"], values["missed_90d"]) == (2, 1, 2)
    third = client.post("/api/v1/loans/request", asked, format="json").json()["credit_decision"]
    assert "lending_history@v1" in third["explanation"]["features_as_of"]


@pytest.mark.django_db
def test_what_happens_with_us_does_not_change_what_is_known_of_the_account(known_borrower):
    def account():
        sets = FeatureValue.objects.filter(entity_id=str(known_borrower.pk)).exclude(
            feature_set__name=LendingHistory.name
        )
        return {str(row.feature_set): {k: v for k, v in row.vals.items() if "since" not in k} for row in sets}

    before = account()
    client = makers.client(known_borrower.user)
    for _ in range(3):
        client.post("/api/v1/loans/request", {"requested_amount": 12_000, "purpose": "car"}, format="json")
    refresh("borrower", [str(known_borrower.pk)])
    assert account() == before and before["core_behavioral@v1"]["event_count_180d"] == 30


@pytest.mark.django_db
def test_an_erased_borrower_leaves_no_lending_events_and_gets_no_new_ones(known_borrower):
    from features.services import erase_entity

    client, asked = makers.client(known_borrower.user), {"requested_amount": 12_000, "purpose": "car"}
    client.post("/api/v1/loans/request", asked, format="json")
    assert RawEvent.objects.filter(event_type="loans.requested").count() == 1
    erase_entity(entity_type="borrower", entity_id=str(known_borrower.pk), reason="asked for")
    assert client.post("/api/v1/loans/request", asked, format="json").status_code == 201
    assert not RawEvent.objects.filter(entity_id=str(known_borrower.pk)).exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_that_look_for_missed_instalments_each_finds_its_own(redis):
    request = approved(months=6)
    granted = timezone.now().date() - timedelta(days=250)
    book.grant_loan(request=request, external_id="bank-4", granted_date=granted)

    def look(_):
        try:
            return book.mark_missed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(4)))
    assert LoanPayment.objects.count() == RawEvent.objects.filter(event_type="loans.missed").count() == 6
