"""A decision stands once, for good, with all that follows from it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, connection, connections, transaction
from django.db.models.functions import Now

from audit.models import Entry
from base.worklist import OwnWork, WrongState
from reports.classification.models import Correction
from reports.duplicates.models import DuplicateLink
from reports.filing.services import change_status
from reports.models import Report, ReviewDecision, ReviewItem, StatusChange
from reports.review import deciding, work
from reports.review.reasons import UnknownReason
from tasks.models import Task
from tests.processes import eventually
from tests.reports.waiting import guess, item, reviewer

pytestmark = pytest.mark.django_db


def claimed(**fields):
    row, person = item(**fields), reviewer()
    work.claim_item(item_id=row.pk, user=person)
    return {"item_id": row.pk, "user": person}, row.report


def points(report):
    """What the resident is to get, by rule."""
    tasks = Task.objects.filter(name="accounts.count_reputation", subject_id=str(report.reporter_id))
    return {task.kwargs["rule"].split(".")[1].split("@")[0]: task.kwargs["points"] for task in tasks}


def test_accepted_the_category_stands_and_its_department_has_the_report():
    mine, report = claimed()
    decision = deciding.accept_item(**mine, note="clear")
    report.refresh_from_db()
    assert (decision.kind, decision.category_id, decision.by) == ("accepted", "road_surface", mine["user"])
    assert (report.status, report.department_id) == ("acknowledged", "public_works")
    step = StatusChange.objects.get(report=report)
    assert step.is_public and step.note == "Road surface: Public Works has it."
    row = ReviewItem.objects.get()
    assert (row.status, row.claimed_by) == ("done", mine["user"])
    entry = Entry.objects.get(action="report_review_decided")
    assert entry.metadata["kind"] == "accepted" and entry.entity_id == str(report.pk)


def test_the_suggestion_stands_where_the_category_was_in_question_and_else_the_reports_own():
    unsure, report = claimed(category_id=None, department_id=None)
    guess(report, "tree")
    decision = deciding.accept_item(**unsure)
    assert (decision.category_id, decision.suggested_id, decision.suggested_probability) == ("tree", "tree", 0.4)
    correction = Correction.objects.get(report=report)
    assert (correction.category_id, correction.agrees, correction.by) == ("tree", True, unsure["user"])
    urgent, report = claimed(why="urgent")
    guess(report, "tree")
    assert deciding.accept_item(**urgent).category_id == "road_surface"
    report.refresh_from_db()
    assert report.category_id == "road_surface"


def test_merged_the_other_report_goes_on_for_both():
    other = item().report
    mine, report = claimed(why="likely_duplicate")
    decision = deciding.merge_item(**mine, into=other.pk, note="same hole")
    report.refresh_from_db()
    assert (decision.kind, decision.into_id, report.status, report.merged_into_id) == (
        "merged", other.pk, "duplicate", other.pk,
    )  # fmt: skip
    mine, report = claimed()
    with pytest.raises(WrongState, match="itself"):
        deciding.merge_item(**mine, into=report.pk)
    with pytest.raises(Report.DoesNotExist):
        deciding.merge_item(**mine, into=0)
    assert ReviewItem.objects.get(report=report).status == "claimed"


def test_whose_category_was_decided_is_no_duplicate_of_what_was_suggested():
    other = item().report
    mine, report = claimed(why="likely_duplicate")
    link = DuplicateLink.objects.create(report=report, original=other, probability=0.8, distance_m=5, days=1)
    deciding.accept_item(**mine)
    link.refresh_from_db()
    assert (link.state, link.decided_by) == ("rejected", mine["user"])


def test_nothing_can_be_accepted_where_nothing_was_suggested():
    mine, _ = claimed(category_id=None, department_id=None)
    with pytest.raises(WrongState, match="choose one"):
        deciding.accept_item(**mine)


def test_corrected_the_report_goes_to_another_department_and_its_status_stays_if_somebody_works_on_it():
    mine, report = claimed(status="in_progress")
    decision = deciding.correct_item(**mine, category="tree")
    report.refresh_from_db()
    assert (report.category_id, report.department_id, report.status) == ("tree", "parks", "in_progress")
    assert decision.category_id == "tree" and not StatusChange.objects.exists()
    mine, _ = claimed()
    with pytest.raises(deciding.UnknownCategory):
        deciding.correct_item(**mine, category="dragons")
    with pytest.raises(WrongState, match="acceptance"):
        deciding.correct_item(**mine, category="road_surface")


@pytest.mark.parametrize(
    ("reason", "earned"), [("spam", {"rejected": -15}), ("not_city", {"rejected": -15, "in_good_faith": 15})]
)
def test_rejected_the_resident_reads_why_and_pays_only_for_what_was_their_fault(reason, earned, redis):
    mine, report = claimed()
    deciding.reject_item(**mine, reason=reason, note="for us")
    report.refresh_from_db()
    step = StatusChange.objects.get(report=report)
    assert report.status == "rejected" and step.is_public and step.by == mine["user"]
    assert step.note == ReviewDecision.objects.get().public_text != "" and "for us" not in step.note
    assert points(report) == earned


def test_an_unknown_reason_and_a_report_that_is_closed_are_refused():
    mine, report = claimed()
    with pytest.raises(UnknownReason):
        deciding.reject_item(**mine, reason="ugly")
    mine, report = claimed(why="abuse")
    change_status(report=report, to="resolved", by=None)  # words that may be abuse wait on
    with pytest.raises(WrongState, match="resolved cannot become rejected"):
        deciding.reject_item(**mine, reason="spam")
    assert not ReviewDecision.objects.exists() and ReviewItem.objects.get(report=report).status == "claimed"


@pytest.mark.parametrize("claim", [True, False])
def test_what_is_closed_elsewhere_needs_no_reviewer_any_more(claim):
    row, person = item(), reviewer()
    if claim:
        work.claim_item(item_id=row.pk, user=person)
    change_status(report=row.report, to="resolved", by=None)
    decision = ReviewDecision.objects.get()
    assert (decision.kind, decision.by, decision.item) == ("needless", None, row)
    assert ReviewItem.objects.get().status == "done"
    with pytest.raises(WrongState, match="decided"):
        deciding.accept_item(item_id=row.pk, user=person)


def test_only_who_has_it_now_decides_and_never_on_their_own_report():
    mine, _ = claimed()
    with pytest.raises(WrongState, match="Claim it"):
        deciding.accept_item(item_id=mine["item_id"], user=reviewer())
    ReviewItem.objects.update(claim_until=Now() - timedelta(seconds=1))
    with pytest.raises(WrongState, match="runs out"):
        deciding.accept_item(**mine)
    own = item(reporter=mine["user"])
    with pytest.raises(OwnWork):
        deciding.accept_item(item_id=own.pk, user=mine["user"])
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database would not take it
        ReviewDecision.objects.create(
            item=own, report=own.report, kind="rejected", reason="spam", by=mine["user"], waited_s=1
        )
    with pytest.raises(ReviewItem.DoesNotExist):
        deciding.accept_item(item_id=own.pk, user=reviewer("parks"))


def test_decisions_never_change_and_what_is_done_stays_done():
    mine, _ = claimed()
    decision = deciding.accept_item(**mine)
    changes = [
        lambda: ReviewDecision.objects.update(category="tree"),
        lambda: decision.delete(),
        lambda: ReviewItem.objects.update(risk=0),
        lambda: ReviewItem.objects.all()._raw_delete("default"),
    ]
    for change in changes:
        with pytest.raises(InternalError, match="append_only|done_stays"), transaction.atomic():
            change()


def test_a_decided_report_may_come_back_and_is_decided_again():
    mine, report = claimed()
    deciding.accept_item(**mine)
    again = work.open_item(report_id=report.pk, why="flagged", risk=0.2)
    assert again != mine["item_id"] and ReviewItem.objects.filter(report=report).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_different_decisions_at_once_one_stands(redis):
    mine, report = claimed()

    def attempt(decide):
        try:
            decide()
            return 1
        except WrongState:
            return 0
        finally:
            connections.close_all()

    decisions = [
        lambda: deciding.accept_item(**mine),
        lambda: deciding.correct_item(**mine, category="tree"),
        lambda: deciding.reject_item(**mine, reason="spam"),
        lambda: deciding.accept_item(**mine),
    ]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, decisions)) == 1
    decision, report = ReviewDecision.objects.get(), Report.objects.get()
    assert report.status == ("rejected" if decision.kind == "rejected" else "acknowledged")
    assert StatusChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_opening_deciding_and_closing_at_once_never_lock_each_other_out(redis):
    mine, report = claimed()
    acts = [
        lambda: deciding.reject_item(**mine, reason="spam"),
        lambda: work.open_item(report_id=report.pk, why="urgent", risk=0.1),
        lambda: change_status(report=Report.objects.get(), to="resolved", by=None),
        lambda: Report.objects.update(department="parks"),
    ]

    def attempt(act):
        try:
            act()
        except (WrongState, deciding.WrongStatus):
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, acts * 3))
    assert ReviewItem.objects.exclude(status="done").count() <= 1
    done = ReviewItem.objects.filter(status="done").count()
    assert done == ReviewDecision.objects.count() >= 1


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_crosswise_wait_in_one_order_and_never_for_one_another(redis):
    lower, higher = claimed(why="likely_duplicate"), claimed(why="likely_duplicate")
    (first, one), (second, other) = lower, higher

    def attempt(mine, into):
        try:
            deciding.merge_item(**mine, into=into.pk)
            return "merged"
        except WrongState as error:
            return str(error)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Report.objects.select_for_update(no_key=True).get(pk=one.pk)
            acts = [pool.submit(attempt, second, one), pool.submit(attempt, first, other)]
            eventually(lambda: waiting_for_locks() == 2)
            Report.objects.select_for_update(nowait=True, no_key=True).get(pk=other.pk)  # neither holds it
        told = sorted(act.result() for act in acts)
    assert told[1] == "merged" and "take that apart first" in told[0]
    assert Report.objects.filter(status="duplicate").count() == 1
    assert ReviewDecision.objects.filter(kind="merged").count() == 1


def waiting_for_locks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]
