"""A report's way from received to closed, and what each step means."""

import threading

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from accounts.models import ReputationChange
from audit.models import Entry
from features.models import RawEvent
from reports.filing.services import MOVES, WrongStatus, change_status, file_report
from reports.models import Report, StatusChange
from tasks.testing import run_due
from tests import makers
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _redis(redis):
    """Bells."""


def steps(report):
    return list(StatusChange.objects.filter(report=report).values_list("from_status", "to_status", "note"))


def test_a_step_leaves_history_trail_events_and_points(filed):
    reviewer = makers.user("reviewer")
    change_status(report=filed, to="resolved", by=reviewer, note="Filled.")
    assert steps(filed) == [("", "received", ""), ("received", "resolved", "Filled.")]
    assert filed.closed_at is not None and filed.status == "resolved"
    assert Entry.objects.get(action="report_status_changed").metadata["to"] == "resolved"
    told = RawEvent.objects.filter(event_type__endswith="report_resolved")
    assert sorted(told.values_list("entity_type", flat=True)) == ["place", "reporter"]
    change_status(report=filed, to="in_progress", by=reviewer)
    assert filed.closed_at is None
    run_due()
    points = ReputationChange.objects.filter(subject_type="report_step").order_by("id")
    assert list(points.values_list("rule", "points")) == [("reports.resolved@1", 10), ("reports.reopened@1", -10)]


def test_a_step_that_is_none_is_refused_and_leaves_nothing(filed):
    change_status(report=filed, to="rejected", by=None)
    with pytest.raises(WrongStatus, match="rejected cannot become resolved"):
        change_status(report=filed, to="resolved", by=None)
    assert len(steps(filed)) == 2


def test_the_database_knows_the_same_steps(filed):
    original = file_report(by=None, **POTHOLE)
    for start in Report.Status.values:
        for to in Report.Status.values:
            if to == start:
                continue
            allowed = True
            try:
                with transaction.atomic():
                    for status in _way(start) + [to]:
                        into = original if status == "duplicate" else None
                        Report.objects.filter(pk=filed.pk).update(status=status, merged_into=into)
                    transaction.set_rollback(True)
            except (InternalError, IntegrityError):
                allowed = False
            assert allowed == (to in MOVES[start]), (start, to)


def _way(start):
    return [] if start == "received" else [start]


@pytest.mark.django_db(transaction=True)
def test_of_two_steps_at_once_one_is_refused(resident):
    report = file_report(by=resident, **POTHOLE)
    barrier, outcomes = threading.Barrier(2), []

    def move(to):
        barrier.wait()
        try:
            change_status(report=Report.objects.get(pk=report.pk), to=to, by=None)
            outcomes.append(to)
        except WrongStatus:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=[to]) for to in ("rejected", "acknowledged")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.refresh_from_db()
    done = [to for to in outcomes if to]
    # Acknowledged first, it may still be rejected; rejected first, it may not be acknowledged.
    assert done in (["rejected"], ["acknowledged", "rejected"])
    assert [to for _, to, _ in steps(report)] == ["received", *done] and report.status == done[-1]
