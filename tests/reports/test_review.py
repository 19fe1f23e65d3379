"""What the machine leaves to a person: one item for a report, claimed by one person, and never by who reported it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models.functions import Now

from audit.models import Entry
from base.worklist import OwnWork, WrongState
from reports.models import Report, ReviewItem
from reports.review import work
from reports.review.work import Wanted
from tests.reports.waiting import item, report, reviewer

pytestmark = pytest.mark.django_db


def test_a_second_reason_joins_the_open_item_and_the_worse_of_both_holds():
    asked = report()
    first = work.open_item(report_id=asked.pk, why="low_confidence", risk=0.6, details={"probability": 0.4})
    slow = ReviewItem.objects.get().due_at
    second = work.open_item(report_id=asked.pk, why="urgent", risk=0.3)
    third = work.open_item(report_id=asked.pk, why="low_confidence", risk=0.1, details={"probability": 0.3})
    row = ReviewItem.objects.get()
    assert {first, second, third} == {row.pk} and row.why == ["low_confidence", "urgent"] and row.risk == 0.6
    assert row.details == {"low_confidence": {"probability": 0.3}, "urgent": {}}
    assert slow - row.due_at > timedelta(hours=13)  # 18, a quarter of its category's 72, became 4
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewItem.objects.create(report=asked, why=["flagged"], risk=0.1, due_at=Now())


def test_many_items_are_opened_at_once_and_reports_that_are_gone_are_left_out():
    one, two = report(), report(category_id=None, department_id=None)
    opened = work.open_items(
        [
            Wanted(report_id=two.pk, why="likely_duplicate", risk=0.9),
            Wanted(report_id=one.pk, why="flagged", risk=0.2),
            Wanted(report_id=one.pk, why="abuse", risk=0.7),
            Wanted(report_id=0, why="flagged", risk=0.7),
        ]
    )
    rows = ReviewItem.objects.in_bulk(opened.values())
    assert sorted(opened) == [one.pk, two.pk]
    assert (rows[opened[one.pk]].why, rows[opened[one.pk]].risk) == (["flagged", "abuse"], 0.7)
    assert rows[opened[two.pk]].department_id is None
    with pytest.raises(ReviewItem.DoesNotExist):
        work.open_item(report_id=0, why="flagged", risk=0.5)


def test_the_queue_is_by_the_day_it_is_due_and_of_a_day_the_riskiest():
    later = item(risk=0.9, due_day="2026-03-02")
    low, high = item(risk=0.1, due_day="2026-03-01"), item(risk=0.4, due_day="2026-03-01")
    assert list(work.waiting_items(reviewer())) == [high, low, later]


def test_items_follow_their_report_to_another_department_until_they_are_done():
    row = item()
    assert row.department_id == "public_works"
    Report.objects.filter(pk=row.report_id).update(department="parks")
    row.refresh_from_db()
    assert row.department_id == "parks"


def test_a_reviewer_sees_what_their_departments_have_and_triage_what_nobody_has():
    works, parks = item(), item(department_id="parks")
    nobodys = item(category_id=None, department_id=None)

    def seen(person):
        return set(work.waiting_items(person))

    assert seen(reviewer()) == {works, parks, nobodys}
    assert seen(reviewer("parks")) == {parks}
    assert seen(reviewer("parks", "public_works")) == {works, parks}
    assert seen(reviewer("services")) == {nobodys}


def test_what_another_department_has_can_be_neither_claimed_nor_released():
    row, other = item(), reviewer("parks")
    for act in (work.claim_item, work.release_item):
        with pytest.raises(ReviewItem.DoesNotExist):
            act(item_id=row.pk, user=other)


def test_a_claim_is_given_back_or_runs_out():
    row, one, other = item(), reviewer(), reviewer()
    work.claim_item(item_id=row.pk, user=one)
    for act in (work.claim_item, work.release_item):
        with pytest.raises(WrongState):
            act(item_id=row.pk, user=other)
    assert work.release_item(item_id=row.pk, user=one, reason="not mine").status == "open"
    work.claim_item(item_id=row.pk, user=one)
    ReviewItem.objects.update(claim_until=Now() - timedelta(seconds=1))
    assert work.claim_item(item_id=row.pk, user=other).claimed_by == other
    actions = Entry.objects.filter(entity_type="report", entity_id=str(row.report_id)).order_by("id")
    assert [entry.action.removeprefix("report_review_") for entry in actions] == [
        "claimed", "released", "claimed", "claimed"
    ]  # fmt: skip


def test_nobody_claims_their_own_report_and_the_next_one_is_somebody_elses():
    person = reviewer()
    own, other = item(reporter=person, risk=0.9), item(risk=0.1)
    with pytest.raises(OwnWork):
        work.claim_item(item_id=own.pk, user=person)
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database would not take it
        ReviewItem.objects.filter(pk=own.pk).update(
            status="claimed", claimed_by=person, claimed_at=Now(), claim_until=Now()
        )
    assert work.claim_next(user=person) == other


def test_the_next_one_is_first_what_one_has_claimed_and_then_what_lies_behind():
    person = reviewer()
    first, second, third = (item(risk=risk) for risk in (0.9, 0.5, 0.2))
    assert work.claim_next(user=person) == first
    assert work.claim_next(user=person) == first
    work.release_item(item_id=first.pk, user=person)
    assert work.claim_next(user=person, after=first) == second
    assert work.claim_next(user=reviewer()) == first
    assert work.claim_next(user=reviewer()) == third
    assert work.claim_next(user=reviewer()) is None


def test_a_report_that_nobody_decided_can_be_deleted_with_its_item():
    row = item()
    Report.objects.get(pk=row.report_id).delete()
    assert not ReviewItem.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_people_who_ask_for_the_next_one_at_once_never_get_the_same(redis):
    rows, people = [item() for _ in range(4)], [reviewer() for _ in range(6)]

    def attempt(person):
        try:
            got = work.claim_next(user=person)
            return got and got.pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(attempt, people))
    assert sorted(pk for pk in got if pk) == sorted(row.pk for row in rows) and got.count(None) == 2
