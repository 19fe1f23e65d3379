"""Reports of who abuses the service come before a person."""

import pytest

from base import context
from reports import processing, reputation
from reports.filing.services import file_report
from reports.models import Report, ReviewItem, Waiting
from reports.review import abuse, deciding, work
from reports.review.reasons import REASONS
from tasks.models import Task
from tests import makers
from tests.reports import waiting
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db


def suspects():
    rows = Waiting.objects.select_related("report__reporter").order_by("pk")
    return [(one.report_id, one.why, dict(one.details)) for one in abuse.suspects(list(rows))]


def refuse(report, reason="spam"):
    """A reviewer does, and the task behind it runs."""
    person = waiting.reviewer()
    opened = work.open_item(report_id=report.pk, why="flagged", risk=0.5)
    work.claim_item(item_id=opened, user=person)
    deciding.reject_item(item_id=opened, user=person, reason=reason)
    for task in Task.objects.filter(name="reports.look_into_filer"):
        abuse.look_into(Report.objects.get(pk=task.kwargs["report_id"]))


def seen():
    """Reports with an item for abuse, and what it was found by."""
    items = ReviewItem.objects.filter(why__contains=["abuse"]).order_by("report_id")
    return {item.report_id: item.details["abuse"] for item in items}


@pytest.mark.parametrize("account", [True, False])
def test_the_last_report_of_a_full_day_is_seen_by_a_person(account, monkeypatch):
    two = reputation.Limit(2, 2)
    monkeypatch.setattr(reputation, "ADDRESS", two)
    monkeypatch.setattr(reputation, "NEW", reputation.NEW.__class__("new", 0, two, two, two, two))
    by = makers.user() if account else None
    with context.acting(ip="192.0.2.7"):
        file_report(by=by, **POTHOLE)
        assert suspects() == []
        last = file_report(by=by, **POTHOLE)
        file_report(by=makers.user(), **POTHOLE)  # somebody else
    assert suspects() == [(last.pk, "abuse", {"filed_in_a_day": 2})]
    Waiting.objects.update(filed={})  # looked at anew: that was told
    assert suspects() == []


def test_who_is_blocked_by_now_looks_like_abuse_and_who_is_doubted_is_flagged():
    for points in (-49, -51, 0):
        person = makers.user(reputation=0)
        file_report(by=person, **POTHOLE)
        type(person).objects.filter(pk=person.pk).update(reputation=points)
    processing.process_waiting()
    items = ReviewItem.objects.order_by("report_id").filter(why__overlap=["abuse", "flagged"])
    assert [(set(item.why) & {"abuse", "flagged"}, item.risk >= 0.5) for item in items] == [
        ({"flagged"}, True),
        ({"abuse"}, True),
    ]


@pytest.mark.parametrize("account", [True, False])
def test_after_a_series_of_refusals_the_filers_other_open_reports_are_seen_once(account):
    who = {"reporter": makers.user()} if account else {"reporter": None, "ip": "2001:db8:0:1::1"}
    first, second, third, fourth, still_open, also = (waiting.report(**who) for _ in range(6))
    waiting.report(**who, status="resolved")
    waiting.report(reporter=None, ip="2001:db8:0:2::1")  # somebody else
    if not account:
        Report.objects.filter(pk=also.pk).update(ip="2001:db8:0:1::ffff")  # the same customer's network
    for report in (first, second):
        refuse(report)
    assert seen() == {}
    refuse(third, "abusive")
    told = {"refused_in_30_days": 3}
    assert seen() == {fourth.pk: told, still_open.pk: told, also.pk: told}
    person = waiting.reviewer()
    decided = ReviewItem.objects.get(report=also)
    work.claim_item(item_id=decided.pk, user=person)
    deciding.accept_item(item_id=decided.pk, user=person)
    refuse(fourth)
    assert ReviewItem.objects.filter(report=also).count() == 1  # a person has seen it


def test_refusals_in_good_faith_or_long_ago_are_no_series():
    who = makers.user()
    reports = [waiting.report(reporter=who) for _ in range(5)]
    for report, reason in zip(reports, ["spam", "spam", "private", "not_city"], strict=False):
        refuse(report, reason)
    assert seen() == {}
    assert {code for code, reason in REASONS.items() if reason.in_good_faith}.isdisjoint(abuse.FAULTS)


def test_who_filed_nothing_that_can_be_told_apart_is_nobody():
    nobody = {"reporter": None, "ip": None}
    for report in [waiting.report(**nobody) for _ in range(4)]:
        refuse(report)
    waiting.report(**nobody)
    assert seen() == {}
