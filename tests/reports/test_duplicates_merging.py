"""Reports about the same thing go on as one, and apart again as they were."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Entry
from base.worklist import OwnWork, WrongState
from reports.duplicates import merging
from reports.duplicates.people import counting
from reports.filing import voices
from reports.models import Confirmation, DuplicateLink, Report
from tests import makers

SIZE = 5


def report(**fields):
    place = {"latitude": 42.36, "longitude": -71.06, "cell": "892a3066a37ffff"}
    return Report.objects.create(title="Pothole", description="Deep.", **place | fields)


def shape():
    """Where each report leads, its state, when it was closed, and how many have the problem."""
    fields = ("pk", "merged_into", "status", "closed_at", "confirmations_count")
    return list(Report.objects.order_by("pk").values_list(*fields))


@pytest.fixture
def reviewer(db):
    return makers.user(role="reviewer")


@pytest.fixture
def three(db):
    return [report(), report(), report(status="in_progress")]


def test_a_merge_and_its_undoing_leave_everything_as_it_was_but_the_trail(three, reviewer):
    first, second, third = three
    for one in three[1:]:
        Confirmation.objects.create(report=one, user=makers.user())
        Report.objects.filter(pk=one.pk).update(confirmations_count=8)  # with seven of another system
    before = shape()
    merging.merge(report_id=second.pk, into_id=third.pk, by=reviewer, note="same hole")
    merging.merge(report_id=third.pk, into_id=first.pk, by=reviewer)
    assert [row[1] for row in shape()] == [None, first.pk, first.pk]
    assert Report.objects.get(pk=first.pk).confirmations_count == 16
    merging.unmerge(report_id=third.pk, by=reviewer)
    assert Report.objects.get(pk=second.pk).merged_into_id == third.pk
    merging.unmerge(report_id=second.pk, by=reviewer, note="two holes")
    assert shape() == before
    steps = third.history.values_list("from_status", "to_status")
    assert list(steps) == [("in_progress", "duplicate"), ("duplicate", "in_progress")]
    told = Entry.objects.filter(entity_type="report", action__in=["report_merged", "report_unmerged"])
    assert told.filter(entity_id=str(second.pk)).count() == 2
    assert DuplicateLink.objects.get(report=second).state == "unmerged"


def test_each_person_counts_once_where_the_report_goes_on(three, reviewer):
    first, second, _ = three
    neighbour, other = makers.user(reputation=20), makers.user(reputation=20)
    Report.objects.filter(pk=second.pk).update(reporter=other)
    for one in (first, second):
        assert voices.confirm(report_id=one.pk, by=neighbour) == 1
    merging.merge(report_id=second.pk, into_id=first.pk, by=reviewer)
    assert Report.objects.get(pk=first.pk).confirmations_count == 2, "the neighbour, and who filed the second"
    assert voices.withdraw(report_id=second.pk, by=neighbour) == 2
    assert voices.withdraw(report_id=first.pk, by=neighbour) == 1


def test_what_makes_no_sense_is_refused_with_a_sentence(three, reviewer):
    first, second, third = three
    merging.merge(report_id=second.pk, into_id=first.pk, by=reviewer)
    for report_id, into_id in ((first.pk, first.pk), (first.pk, second.pk), (second.pk, third.pk)):
        with pytest.raises(WrongState):
            merging.merge(report_id=report_id, into_id=into_id, by=reviewer)
    with pytest.raises(WrongState):
        merging.unmerge(report_id=third.pk, by=reviewer)
    with pytest.raises(WrongState):
        merging.reject(report_id=second.pk, into_id=first.pk, by=reviewer)
    Report.objects.filter(pk=third.pk).update(reporter=reviewer)
    with pytest.raises(OwnWork):
        merging.merge(report_id=third.pk, into_id=first.pk, by=reviewer)
    with pytest.raises(Report.DoesNotExist):
        merging.merge(report_id=third.pk, into_id=0, by=reviewer)


@pytest.mark.parametrize(("one", "into"), [(0, 0), (0, 1), (2, 1)])
def test_the_database_refuses_itself_cycles_and_chains_by_whoever_writes(three, reviewer, one, into):
    first, second, third = three
    merging.merge(report_id=second.pk, into_id=first.pk, by=reviewer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=three[one].pk).update(status="duplicate", merged_into=three[into])


def test_the_database_refuses_to_leave_merged_reports_behind(three, reviewer):
    first, second, third = three
    merging.merge(report_id=second.pk, into_id=first.pk, by=reviewer)
    with pytest.raises(IntegrityError, match="goes along"), transaction.atomic():
        Report.objects.filter(pk=first.pk).update(status="duplicate", merged_into=third)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("service", [True, False], ids=["services", "bare statements"])
def test_of_two_who_merge_crosswise_at_once_one_succeeds(service):
    one, two = report(), report()
    people, together = [makers.user(role="reviewer") for _ in range(2)], Barrier(2)

    def attempt(side):
        left, right = [(one, two), (two, one)][side]
        try:
            with transaction.atomic():
                together.wait(10)
                if service:
                    merging.merge(report_id=left.pk, into_id=right.pk, by=people[side])
                else:
                    Report.objects.filter(pk=left.pk).update(status="duplicate", merged_into=right)
            return 1
        except Exception as error:
            assert isinstance(error, WrongState) == service, error
            return 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(attempt, range(2))) == 1
    assert Report.objects.filter(merged_into=None).count() == 1


operations = st.lists(
    st.tuples(st.sampled_from(["merge", "merge", "unmerge", "confirm"]), *[st.integers(0, SIZE - 1)] * 2), max_size=14
)


@pytest.mark.django_db
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=operations)
def test_any_merges_and_unmerges_keep_a_forest_and_its_counts(asked):
    """Against a plain model: who was put where, and who confirmed what."""
    with transaction.atomic():
        rows, reviewer = [report(reporter=makers.user()) for _ in range(SIZE)], makers.user(role="reviewer")
        put: dict[int, int] = {}
        voiced: dict[int, set[int]] = {number: set() for number in range(SIZE)}

        def root(number):
            while number in put:
                number = put[number]
            return number

        for what, one, two in asked:
            if what == "confirm":
                with counting(rows[root(one)].pk):
                    Confirmation.objects.get_or_create(report=rows[one], user=rows[two].reporter)
                voiced[one].add(two)
                continue
            allowed = one in put if what == "unmerge" else one not in put and root(two) != one
            try:
                if what == "merge":
                    merging.merge(report_id=rows[one].pk, into_id=rows[two].pk, by=reviewer)
                    put[one] = two
                else:
                    merging.unmerge(report_id=rows[one].pk, by=reviewer)
                    del put[one]
                assert allowed
            except WrongState:
                assert not allowed
        for number, row in enumerate(rows):
            row.refresh_from_db()
            below = [other for other in range(SIZE) if root(other) == number and other != number]
            assert row.merged_into_id == (rows[root(number)].pk if number in put else None)
            assert row.status == ("duplicate" if number in put else "received")
            if number not in put:
                people = set(below).union(*(voiced[other] for other in [number, *below])) - {number}
                assert row.confirmations_count == len(people)
        transaction.set_rollback(True)
