"""What reviewers did in figures, and who is told when they fall behind."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Mail
from audit.models import Entry
from reports.models import Department, ReviewItem
from reports.review import deciding, statistics, watch, work
from tests.reports.waiting import guess, item, reviewer

pytestmark = pytest.mark.django_db


def decided(person, *, suggested, right, **fields):
    row = item(**fields)
    guess(row.report, suggested)
    work.claim_item(item_id=row.pk, user=person)
    if suggested == right:
        return deciding.accept_item(item_id=row.pk, user=person)
    return deciding.correct_item(item_id=row.pk, user=person, category=right)


def test_agreement_is_the_share_of_suggestions_that_reviewers_found_right():
    person = reviewer()
    for right in ("tree", "tree", "parks"):
        decided(person, suggested="tree", right=right)
    decided(person, suggested="noise", right="animals_health")
    assert [(one.code, one.right, one.total) for one in statistics.agreement(person, days=28)] == [
        ("tree", 2, 3), ("noise", 0, 1),
    ]  # fmt: skip
    (row,) = statistics.by_reviewer(person, days=14)
    assert (row["name"], row["today"], row["accepted"], row["corrected"], row["total"]) == (person.username, 4, 2, 2, 4)
    assert statistics.by_day(person, days=14) == {
        (timezone.now().date(), "accepted"): 2, (timezone.now().date(), "corrected"): 2
    }  # fmt: skip
    assert statistics.median_wait(person, days=14) < timedelta(minutes=1)
    assert statistics.by_reviewer(reviewer("water"), days=14) == []


def late(hours, **fields):
    row = item(**fields)
    ReviewItem.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(hours=hours))
    return row


def test_a_department_is_told_once_a_day_that_it_falls_behind():
    Department.objects.filter(pk="parks").update(email="parks@city.example")
    late(0.5, department_id="parks"), late(3, department_id="parks")
    late(3), late(0.2, department_id=None, category_id=None)
    now = timezone.now()
    assert watch.warn_of_late_reviews(now=now) == ["none", "parks"]
    assert watch.warn_of_late_reviews(now=now) == []
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("parks@city.example", "2 report reviews are overdue")
    entry = Entry.objects.get(action="report_reviews_fell_behind", entity_id="parks")
    assert entry.metadata == {"overdue": 2, "an_hour_ago": 1}


def test_what_was_decided_since_counts_as_overdue_before():
    person, row = reviewer(), late(3)
    work.claim_item(item_id=row.pk, user=person)
    deciding.accept_item(item_id=row.pk, user=person)
    now = timezone.now()
    assert (watch.overdue(now), watch.overdue(now - timedelta(hours=1))) == ({}, {"public_works": 1})
    assert watch.warn_of_late_reviews(now=now) == []


def test_metrics_tell_what_waits_and_what_is_late():
    late(2), item("urgent")
    families = {family.name: family for family in watch.ReviewCollector().collect()}
    assert [(s.labels, s.value) for s in families["millrace_report_reviews"].samples] == [({"state": "open"}, 2)]
    overdue = families["millrace_report_reviews_overdue"].samples
    assert [(s.labels, s.value) for s in overdue] == [({"department": "public_works"}, 1)]
