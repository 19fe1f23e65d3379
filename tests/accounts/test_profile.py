import pytest
from django.core import mail
from django.db.models.functions import Now

from accounts.models import EmailVerification, Mail, User
from accounts.services import change_profile, notify_user, request_verification
from audit.models import Entry
from tasks.testing import run_due
from tests.accounts.conftest import bearer

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me"


@pytest.fixture
def patch(api, tokens):
    return lambda **changes: api.patch(ME, changes, format="json", **bearer(tokens.access_token))


@pytest.fixture
def verified(person):
    User.objects.filter(pk=person.pk).update(email="ann@example.org")
    User.objects.filter(pk=person.pk).update(email_verified_at=Now())
    return person


def test_people_change_their_names_address_and_whether_they_want_mail(patch, person):
    changes = {"first_name": "Ann", "last_name": "Lee", "email": "Ann@Example.ORG", "mail_notifications": False}
    answer = patch(**changes)
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in changes} == {**changes, "email": "Ann@example.org"}
    assert answer.json()["email_verified"] is False and answer["Cache-Control"] == "no-store"
    entry = Entry.objects.get(action="profile_changed")
    assert entry.metadata == {"fields": ["email", "first_name", "last_name", "mail_notifications"]}


def test_what_is_left_out_stays_and_nothing_new_is_no_change(patch, person):
    patch(first_name="Ann")
    assert patch().json()["first_name"] == patch(first_name="Ann").json()["first_name"] == "Ann"
    assert Entry.objects.filter(action="profile_changed").count() == 1


@pytest.mark.parametrize(
    "field", ["role", "phone", "reputation", "is_staff", "is_active", "email_verified", "username", "password", "id"]
)
def test_what_is_not_theirs_to_change_is_refused_by_name(patch, person, field):
    answer = patch(**{field: 1, "first_name": "Ann"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == f"#/{field}"
    assert User.objects.get(pk=person.pk).first_name == ""


@pytest.mark.parametrize(
    "address",
    ["ann", "ann@", "@example.org", "a b@example.org", "ann@example.org\nbcc:x@y.z", '"ann"@example.org', "ann@[::1]"]
    + [
        "ann@straße.de",
        "änn@example.org",
        "ann@example.org,bob@example.org",
        "x" * 250 + "@y.org",
        5,
        None,
        ["a@b.de"],
    ],
)
def test_what_is_no_address_is_refused(patch, address):
    assert patch(email=address).status_code == 400


def test_another_address_is_unverified_and_the_old_one_is_told(patch, verified):
    answer = patch(email="new@example.org")
    assert (answer.json()["email"], answer.json()["email_verified"]) == ("new@example.org", False)
    run_due()
    [message] = mail.outbox
    assert message.to == ["ann@example.org"] and message.subject == "Your email address was changed"


def test_the_same_address_stays_verified(patch, verified):
    assert patch(email="ann@EXAMPLE.org").json()["email_verified"] is True and not Mail.objects.exists()


def test_an_address_can_be_taken_away(patch, verified):
    assert (patch(email="").json()["email"], patch().json()["email_verified"]) == ("", False)


def test_a_link_to_an_address_that_was_left_is_void_even_when_it_comes_back(person):
    change_profile(user=person, changes={"email": "ann@example.org"})
    request_verification(user=person)
    change_profile(user=person, changes={"email": "new@example.org"})
    change_profile(user=person, changes={"email": "ann@example.org"})
    assert EmailVerification.objects.get().voided_at is not None


def test_users_are_notified_where_they_have_shown_to_be_and_only_if_they_want(verified):
    letter = {"subject": "Your report", "body": "It is done.", "about": ("report", "r1")}
    assert notify_user(user_id=verified.pk, **letter)
    change_profile(user=verified, changes={"mail_notifications": False})
    assert not notify_user(user_id=verified.pk, **letter)
    change_profile(user=verified, changes={"mail_notifications": True, "email": "new@example.org"})
    assert not notify_user(user_id=verified.pk, **letter)
    assert [row.to for row in Mail.objects.filter(about_type="report")] == ["ann@example.org"]
