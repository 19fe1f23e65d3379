"""People delete their own accounts: nothing of the person is left, and what named the account still does."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import rules
from accounts.models import ApiKey, Login, LoginDay, LoginStatistics, Mail, ReputationChange, Session, User
from accounts.services import (
    OutOfReach,
    assign_role,
    issue_api_key,
    open_session,
    request_code,
    unlock_user,
    verify_code,
)
from audit.models import Entry
from tasks.models import Webhook
from tasks.testing import run_due
from tests.accounts.conftest import bearer, code_of

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me"
PERSON = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.org"}


@pytest.fixture
def delete(api, tokens):
    return lambda **more: api.delete(ME, **bearer(tokens.access_token), **more)


def test_a_deleted_account_is_empty_and_nothing_of_it_works(api, delete, person, tokens, redis):
    User.objects.filter(pk=person.pk).update(**PERSON)
    User.objects.filter(pk=person.pk).update(email_verified_at=Now())
    other = open_session(user=person)
    Session.objects.update(ip="192.0.2.7", user_agent="Firefox on the kitchen table")
    Webhook.objects.create(owner=person, url="https://example.org/x", secret="s" * 40)
    run_due()
    assert delete().status_code == 204
    for session in (tokens, other):
        assert api.get(ME, **bearer(session.access_token)).status_code == 401
        body = {"refresh_token": session.refresh_token}
        assert api.post("/api/v1/auth/refresh", body, format="json").status_code == 401
    gone = User.objects.get(pk=person.pk)
    assert (gone.username, gone.phone, gone.email, gone.first_name, gone.last_name) == (
        f"deleted-{gone.pk}", None, "", "", "",
    )  # fmt: skip
    assert gone.deleted_at and not gone.is_active and not gone.has_usable_password() and gone.email_verified_at is None
    assert set(Session.objects.values_list("ip", "user_agent", "revoked_reason")) == {(None, "", "account_deleted")}
    for model in (Login, LoginDay, LoginStatistics):
        assert not model.objects.filter(user=gone).exists()
    assert Webhook.objects.get().deleted_at and Webhook.objects.get().secret == ""
    entry = Entry.objects.get(action="account_deleted")
    assert (entry.entity_id, entry.actor) == (str(gone.pk), f"user:{gone.pk}") and "Ann" not in str(entry.metadata)
    run_due()
    assert mail.outbox[-1].to == ["ann@example.org"] and "deleted" in mail.outbox[-1].subject
    assert Mail.objects.get().sent_at


def test_a_deleted_account_is_never_unlocked_nor_filled_again(delete, person, client):
    delete()
    with pytest.raises(OutOfReach, match="deleted"):
        unlock_user(user=person, reason="asked")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=person.pk).update(is_active=True)
    client.force_login(User.objects.create_superuser("boss"), "django.contrib.auth.backends.ModelBackend")
    shown = client.get(f"/admin/accounts/user/{person.pk}/change/")
    assert "deleted" in shown.content.decode() and "unlock" not in {
        one["button"].name for one in shown.context["buttons"]
    }


def test_it_takes_a_login_of_the_last_ten_minutes(delete, person):
    Session.objects.update(created_at=Now() - timedelta(minutes=11))
    answer = delete()
    assert answer.status_code == 403 and "Log in again" in answer.json()["detail"]
    assert User.objects.get(pk=person.pk).is_active


@pytest.mark.parametrize("who", ["reviewer", "admin", "superuser", "key"])
def test_staff_and_programs_are_not_deleted_this_way(api, person, who):
    if who == "key":
        credential = issue_api_key(username="ann", role="client")
    else:
        if who == "superuser":
            User.objects.filter(pk=person.pk).update(is_superuser=True)
        else:
            assign_role(user=person, role=who)
        credential = open_session(user=person).access_token
    assert api.delete(ME, **bearer(credential)).status_code == 403
    assert User.objects.get(pk=person.pk).is_active and not ApiKey.objects.exclude(revoked_at=None).exists()


def test_the_phone_is_free_again_and_a_bad_reputation_comes_back_with_it(delete, person, settings, tmp_path, redis):
    settings.OUTBOX_DIR = tmp_path
    User.objects.filter(pk=person.pk).update(reputation=-60)
    delete()
    assert "4930901820" not in str(User.objects.filter(pk=person.pk).values())
    request_code(phone=person.phone)
    verify_code(phone=person.phone, code=code_of(person.phone))
    back = User.objects.get(phone=person.phone)
    assert back.pk != person.pk and back.reputation == -60
    assert ReputationChange.objects.get(user=back).points == -60


def test_of_who_leaves_in_good_standing_no_trace_of_the_phone_is_kept(delete, person, settings):
    delete()
    assert User.objects.get(pk=person.pk).left_digest is None
    digest = rules.phone_digest("+4930901820", pepper=settings.OTP_PEPPER)
    assert digest != rules.phone_digest("+4930901821", pepper=settings.OTP_PEPPER) and "4930901820" not in digest
