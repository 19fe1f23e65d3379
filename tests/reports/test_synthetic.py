"""The invented city: seeded, believable, and called what it is."""

from datetime import UTC, datetime, timedelta

import pytest

from reports.places import distance_m
from reports.synthetic import generate

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def told():
    return generate(now=NOON)


def test_the_same_seed_and_moment_give_the_same_reports(told):
    assert generate(now=NOON) == told and generate(now=NOON, seed=7) != told


def test_every_category_is_reported_and_nothing_happens_after_now(told):
    assert len({one.category for one in told}) == 17 and len({one.ref for one in told}) == len(told) >= 400
    for one in told:
        moments = [one.reported_at, *(step.at for step in one.steps)]
        assert NOON - timedelta(days=121) < moments[0] and moments == sorted(moments) and moments[-1] < NOON
        assert one.ref.startswith("synthetic-") and one.resident not in one.confirmed_by


def test_the_same_problem_is_told_near_and_soon_after(told):
    by_ref = {one.ref: one for one in told}
    again = [one for one in told if one.same_as]
    assert len(again) > 20
    for one in again:
        first = by_ref[one.same_as]
        assert distance_m(one.latitude, one.longitude, first.latitude, first.longitude) < 100
        assert first.reported_at <= one.reported_at and first.category == one.category and not first.same_as


@pytest.mark.django_db
def test_an_empty_database_gets_the_sample_once(redis):
    from features.models import RawEvent
    from reports.models import Report, StatusChange, Waiting
    from reports.sample import load

    assert "synthetic reports" in load() and load() is None
    assert Report.objects.filter(source="synthetic").count() == Report.objects.count() >= 400
    assert Report.objects.filter(status="duplicate", merged_into__isnull=False).exists()
    assert StatusChange.objects.filter(from_status="").count() == Report.objects.count()
    assert Waiting.objects.count() and not Waiting.objects.exclude(report__category=None).exists()
    waiting = Waiting.objects.count()
    assert RawEvent.objects.filter(event_type="reports.report_filed").count() == Report.objects.count() - waiting
