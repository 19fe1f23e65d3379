from functools import partial

import pytest
from django.db import transaction

from accounts.models import ReputationChange, User
from accounts.services import change_reputation, change_reputations
from accounts.tasks import count_reputation
from tasks.models import Task
from tasks.testing import run_due
from tests.accounts.conftest import at_once, bearer

REPORT = ("report", "r1")


def give(user: User, points: int = 5, rule: str = "report_filed", subject: tuple[str, str] = REPORT) -> None:
    change_reputation(user_id=user.pk, rule=rule, points=points, subject=subject)


def reputation(user: User) -> int:
    user.refresh_from_db()
    return user.reputation


@pytest.mark.django_db
def test_points_are_counted_behind_and_shown_to_their_owner(api, person, tokens):
    give(person)
    assert reputation(person) == 0
    run_due()
    row = ReputationChange.objects.get()
    assert (row.user, row.rule, row.points, row.subject_type, row.subject_id) == (person, "report_filed", 5, *REPORT)
    assert api.get("/api/v1/users/me", **bearer(tokens.access_token)).json()["reputation"] == 5


@pytest.mark.django_db
def test_a_rule_counts_once_for_each_subject_and_other_rules_beside_it(person):
    for _ in range(3):
        give(person)
    give(person, -2, rule="report_rejected")
    give(person, 1, subject=("report", "r2"))
    run_due()
    assert reputation(person) == 4 and ReputationChange.objects.count() == 3


@pytest.mark.django_db
def test_who_rolls_back_gives_nothing(person):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        give(person)
        raise ZeroDivisionError
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_points_for_nobody_fail_at_once():
    change_reputation(user_id=0, rule="report_filed", points=5, subject=REPORT)
    run_due()
    assert Task.objects.get().status == "failed" and not ReputationChange.objects.exists()


@pytest.mark.django_db
def test_an_old_copy_of_a_user_takes_no_points_back(person):
    give(person)
    run_due()
    person.first_name = "Ann"
    person.save()
    old = User.objects.only("id", "last_name").get(pk=person.pk)
    old.last_name = "Lee"
    old.save()
    assert reputation(person) == 5 and (person.first_name, person.last_name) == ("Ann", "Lee")


@pytest.mark.django_db(transaction=True)
def test_two_workers_count_a_rule_once_and_no_points_are_lost():
    user = User.objects.create_user("ann")
    same = partial(count_reputation.call, user_id=user.pk, rule="a", points=5, subject=["report", "1"])
    others = [
        partial(count_reputation.call, user_id=user.pk, rule="b", points=1, subject=["report", str(n)])
        for n in range(3)
    ]
    results = at_once(same, same, same, *others)
    assert [result["counted"] for result in results[:3]].count(True) == 1
    assert reputation(user) == 8 == sum(ReputationChange.objects.values_list("points", flat=True))


@pytest.mark.django_db
def test_many_are_counted_by_one_task_each_once_and_nobody_who_is_gone(person):
    other = User.objects.create_user("other")
    earned = [(person.pk, *REPORT), (person.pk, *REPORT), (0, *REPORT), (other.pk, *REPORT), (person.pk, "report", "2")]
    give(other)
    run_due()
    change_reputations(rule="report_filed", points=5, earned=earned)
    change_reputations(rule="report_filed", points=5, earned=[])
    run_due()
    assert Task.objects.get(name="accounts.count_reputations").result == {"counted": 2, "gone": 1}
    assert (reputation(person), reputation(other), ReputationChange.objects.count()) == (10, 5, 3)
