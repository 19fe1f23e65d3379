"""What the machine leaves to a person: claimed by one, decided by one, and never by who asked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, connections, transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.models import Entry
from features.models import RawEvent
from loans.models import CreditDecision, LoanRequest, ReviewItem
from loans.review import work
from tests import makers

QUEUE = "/api/v1/loans/reviews/"


def in_review(user=None, *, risk=0.2, days_ago=0):
    """A request that waits for a reviewer, as request_loan stores it."""
    from loans.models import Borrower
    from loans.storing import store_decided

    borrower = Borrower.objects.create(user=user or makers.user())
    request = LoanRequest(borrower=borrower, requested_amount=50_000, purpose="car", term_months=24, status="pending")
    decision = CreditDecision(
        outcome="review",
        reasons=["Credit score needs a manual review (50 <= 60 < 70)"],
        adverse_reasons=[
            {"code": "A01", "text": "Monthly payment requested is too large", "rank": 1, "points_lost": 9}
        ],
        base_credit_score=50,
        trust_score=0.5,
        trust_boost=10.0,
        final_credit_score=60,
        default_probability=risk,
        fraud_score=0.0,
        fraud_flags=["amount_over_history"],
        risk_level="medium",
        flag_risk=False,
        policy_version="1.0",
        model_version="tests",
        explanation={"counter_offer": {"amount": 30_000, "term_months": 24, "valid_until": "2030-01-01"}},
        inputs={"features_as_of": {}},
    )
    item = work.open_item(decision)
    item.opened_day = (timezone.now() - timedelta(days=days_ago)).date()
    store_decided(request, decision, item)
    return ReviewItem.objects.get(loan_request=request)


@pytest.mark.django_db
def test_the_queue_shows_the_oldest_day_first_and_of_a_day_the_riskiest():
    low, high, old = in_review(risk=0.1), in_review(risk=0.4), in_review(risk=0.01, days_ago=1)
    reviewer = makers.client(makers.user("reviewer"))
    page = reviewer.get(QUEUE + "?limit=1").json()
    seen = [page["results"][0]["id"]]
    while page["next"]:
        page = reviewer.get(page["next"]).json()
        seen += [row["id"] for row in page["results"]]
    assert seen == [old.pk, high.pk, low.pk]
    assert reviewer.get(QUEUE + "?colour=red").status_code == 400
    assert reviewer.get(QUEUE + "?cursor=cD1ub3doZXJl").status_code == 404  # p=nowhere


@pytest.mark.django_db
def test_a_reviewer_declines_with_reasons_and_the_first_decision_stays():
    user = makers.user()
    item, person = in_review(user), makers.user("reviewer")
    reviewer = makers.client(person)
    path = f"{QUEUE}{item.pk}"
    assert reviewer.post(f"{path}/claim").json()["claimed_by"] == person.username
    bad = reviewer.post(
        f"{path}/decide", {"decision": "declined", "reason": "income", "reasons": ["X99"]}, format="json"
    )
    assert bad.status_code == 400
    none = reviewer.post(f"{path}/decide", {"decision": "declined", "reason": "income"}, format="json")
    assert none.status_code == 400 and CreditDecision.objects.filter(loan_request=item.loan_request).count() == 1
    given = {"decision": "declined", "reason": "no payslips", "reasons": ["R01", "A01"]}
    answer = reviewer.post(f"{path}/decide", given, format="json")
    assert answer.status_code == 201 and answer.json()["policy_decision"]["decision"] == "declined"

    first, second = CreditDecision.objects.filter(loan_request=item.loan_request)
    assert (first.number, first.outcome, first.decided_by) == (1, "review", None)
    assert (second.number, second.outcome, second.decided_by) == (2, "declined", person)
    assert [(r["code"], r["rank"], r["points_lost"]) for r in second.adverse_reasons] == [
        ("R01", 1, None),
        ("A01", 2, 9),
    ]
    item.refresh_from_db()
    assert (item.status, item.note) == ("done", "no payslips")
    seen = makers.client(user).get(f"/api/v1/loans/{item.loan_request_id}").json()
    assert seen["status"] == "declined" and seen["credit_decision"]["id"] == str(second.pk)
    assert "no payslips" not in str(seen)
    event = RawEvent.objects.get(event_type="loans.declined")
    assert event.entity_id == str(item.loan_request.borrower_id) and event.payload["decision"] == 2
    entry = Entry.objects.get(action="review_decided")
    assert (entry.actor, entry.metadata["outcome"]) == (f"user:{person.pk}", "declined")
    assert reviewer.post(f"{path}/decide", given, format="json").status_code == 409


@pytest.mark.django_db
def test_a_reviewer_approves_without_reasons():
    item, person = in_review(), makers.user("reviewer")
    work.claim_item(item_id=item.pk, user=person)
    decision = work.decide_item(item_id=item.pk, user=person, approve=True, note="payslips seen")
    assert decision.adverse_reasons == [] and "counter_offer" not in decision.explanation
    item.loan_request.refresh_from_db()
    assert item.loan_request.status == "approved"


@pytest.mark.django_db
def test_a_claim_is_given_back_or_runs_out():
    item, one, other = in_review(), makers.user("reviewer"), makers.user("reviewer")
    work.claim_item(item_id=item.pk, user=one)
    with pytest.raises(work.WrongState):
        work.claim_item(item_id=item.pk, user=other)
    with pytest.raises(work.WrongState):
        work.release_item(item_id=item.pk, user=other)
    assert work.release_item(item_id=item.pk, user=one).status == "open"
    work.claim_item(item_id=item.pk, user=one)
    ReviewItem.objects.filter(pk=item.pk).update(claim_until=Now() - timedelta(seconds=1))
    with pytest.raises(work.WrongState):
        work.decide_item(item_id=item.pk, user=one, approve=True, note="too late")
    assert work.claim_item(item_id=item.pk, user=other).claimed_by == other


@pytest.mark.django_db
def test_nobody_reviews_their_own_request():
    person = makers.user("reviewer")
    item = in_review(person)
    assert makers.client(person).post(f"{QUEUE}{item.pk}/claim").status_code == 403
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database would not take it
        ReviewItem.objects.filter(pk=item.pk).update(
            status="claimed", claimed_by=person, claimed_at=Now(), claim_until=Now()
        )
    first = CreditDecision.objects.get(loan_request=item.loan_request)
    with pytest.raises(IntegrityError), transaction.atomic():
        work.second_decision(first, approve=True, against=[], user=person)


@pytest.mark.django_db
def test_decisions_never_change_and_a_second_one_has_somebody_who_made_it():
    item = in_review()
    first = CreditDecision.objects.get(loan_request=item.loan_request)
    for change in (lambda: CreditDecision.objects.update(outcome="approved"), lambda: first.delete()):
        with pytest.raises(InternalError, match="append_only"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError), transaction.atomic():
        work.second_decision(first, approve=True, against=[], user=None)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["client", "service", "analyst", "operator", "auditor"])
def test_only_reviewers_see_the_queue(role):
    assert makers.client(makers.user(role)).get(QUEUE).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_or_decide_at_once_one_does(redis):
    item, people = in_review(), [makers.user("reviewer") for _ in range(4)]

    def attempt(call):
        try:
            call()
            return True
        except work.WrongState:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        claims = [lambda person=person: work.claim_item(item_id=item.pk, user=person) for person in people]
        assert sum(pool.map(attempt, claims)) == 1
    item.refresh_from_db()
    decide = {"item_id": item.pk, "user": item.claimed_by, "note": "seen", "reason_codes": ()}
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, [lambda: work.decide_item(approve=True, **decide)] * 4)) == 1
    assert CreditDecision.objects.filter(loan_request=item.loan_request).count() == 2


@pytest.mark.django_db
def test_a_request_the_machine_does_not_decide_opens_an_item(known_borrower):
    client, items = makers.client(known_borrower.user), []
    for amount in range(50_000, 1_500_000, 50_000):
        body = client.post(
            "/api/v1/loans/request", {"requested_amount": amount, "purpose": "house"}, format="json"
        ).json()
        decided = body["credit_decision"]["policy_decision"]["decision"]
        items.append(decided)
        assert ReviewItem.objects.filter(loan_request=body["loan_request"]["id"]).exists() == (decided == "review")
        if decided == "review":
            item = ReviewItem.objects.get(loan_request=body["loan_request"]["id"])
            assert item.status == "open" and item.due_at - item.opened_at > timedelta(hours=47)
            assert body["loan_request"]["status"] == "pending"
            break
    assert "review" in items
