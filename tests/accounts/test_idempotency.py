import pytest
from django.db import transaction
from rest_framework.exceptions import ValidationError

from accounts import idempotency
from accounts.models import IdempotencyKey, User
from base.problems import Unprocessable

pytestmark = pytest.mark.django_db
BODY = {"requested_amount": "10000.00", "purpose": "tea"}


def ask(user, key="k-1", body=BODY, endpoint="loans.request"):
    """The shape of a view that honours keys; its effect is a new user."""
    with transaction.atomic():
        answer = idempotency.begin(user=user, endpoint=endpoint, key=key, body=body)
        if answer is None:
            User.objects.create_user(f"effect-{User.objects.count()}")
            answer = idempotency.finish(user=user, endpoint=endpoint, key=key, status=201, body=b'{"loan":1.50}')
    return answer


def test_the_second_request_gets_the_bytes_of_the_first_and_has_no_effect(person):
    first, second = ask(person), ask(person)
    assert (first.status, first.body, first.is_replay) == (201, '{"loan":1.50}', False)
    assert (second.status, second.body, second.is_replay) == (201, '{"loan":1.50}', True)
    assert User.objects.filter(username__startswith="effect").count() == 1
    assert second.as_response().content == b'{"loan":1.50}'
    assert second.as_response()["Idempotency-Replayed"] == "true"


def test_the_order_of_keys_does_not_matter(person):
    ask(person)
    assert ask(person, body=dict(reversed(BODY.items()))).is_replay


def test_another_body_is_refused(person):
    ask(person)
    with pytest.raises(Unprocessable):
        ask(person, body={**BODY, "purpose": "coffee"})


def test_keys_belong_to_one_user_and_one_endpoint(person):
    other = User.objects.create_user("bob")
    answers = [ask(person), ask(other), ask(person, endpoint="reports.file")]
    assert not any(answer.is_replay for answer in answers)


def test_an_error_leaves_nothing(person):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert idempotency.begin(user=person, endpoint="e", key="k", body={}) is None
        raise ZeroDivisionError
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\nb", "a\x00b", "a\x7f", "k\n"])
def test_a_malformed_key_is_refused(person, key):
    with pytest.raises(ValidationError):
        ask(person, key=key)


@pytest.mark.parametrize("key", ["x", "x" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324", '"quoted" ~ !'])
def test_printable_keys_are_taken(person, key):
    assert not ask(person, key=key).is_replay
    assert ask(person, key=key).is_replay


def test_finish_needs_a_begin(person):
    with pytest.raises(RuntimeError):
        idempotency.finish(user=person, endpoint="e", key="k", status=200, body="{}")
