import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, Mail, ReputationChange, Session, User
from accounts.services import assign_role, change_reputation, issue_api_key, send_mail
from audit.models import Entry
from base.roles import Role
from tasks.testing import run_due
from tests.accounts.conftest import bearer

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def boss(client):
    """An admin by role, not a superuser, in the console."""
    user = assign_role(user=User.objects.create_user("boss"), role=Role.ADMIN)
    client.force_login(user, backend=BACKEND)
    return user


def act(client, model: str, action: str, *rows) -> None:
    """Press a button for ticked rows, with a reason."""
    url = reverse(f"admin:accounts_{model}_changelist")
    ticked = [str(row.pk) for row in rows]
    asked = client.post(url, {"action": action, "_selected_action": ticked})
    assert asked.status_code == 200
    answer = client.post(
        url, {"action": action, "_selected_action": ticked, "confirmed": "yes", "reason": "a lost phone"}
    )
    assert answer.status_code == 302


def form(user: User, **changes: str) -> dict[str, str]:
    fields = ["username", "first_name", "last_name", "email", "phone", "role"]
    return {**{name: getattr(user, name) or "" for name in fields}, **changes}


def test_a_role_given_in_the_console_goes_through_the_service(client, boss, person):
    assert client.post(f"{USERS}{person.pk}/change/", form(person, role="reviewer")).status_code == 302
    person.refresh_from_db()
    assert (person.role, person.is_staff) == ("reviewer", True)
    assert [group.name for group in person.groups.all()] == ["reviewer"]
    entry = Entry.objects.get(action="role_assigned", entity_id=str(person.pk))
    assert (entry.actor, entry.metadata) == (f"user:{boss.pk}", {"role": "reviewer", "was": "client"})


def test_flags_in_a_form_are_ignored(client, boss, person):
    client.post(f"{USERS}{person.pk}/change/", form(person, is_superuser="on", is_staff="on"))
    person.refresh_from_db()
    assert not person.is_superuser and not person.is_staff


def test_a_phone_in_another_form_is_refused_and_none_is_fine(client, boss, person):
    answer = client.post(f"{USERS}{person.pk}/change/", form(person, phone="030 901820"))
    assert b"international form" in answer.content
    assert client.post(f"{USERS}{person.pk}/change/", form(person, phone="")).status_code == 302
    person.refresh_from_db()
    assert person.phone is None


def test_new_staff_get_role_group_and_console(client, boss):
    word = "correct horse battery"
    data = {"username": "new", "usable_password": "true", "password1": word, "password2": word, "role": "auditor"}
    assert client.post(f"{USERS}add/", data).status_code == 302
    user = User.objects.get(username="new")
    assert (user.role, user.is_staff, user.groups.get().name) == ("auditor", True, "auditor")


def test_an_admin_cannot_take_over_a_superuser(client, boss):
    root = User.objects.create_superuser("root", password="a long pass phrase")
    assert client.post(f"{USERS}{root.pk}/change/", form(root, username="mine")).status_code == 403
    assert client.post(f"{USERS}{root.pk}/password/", {}).status_code == 403
    act(client, "user", "lock", root)
    root.refresh_from_db()
    assert root.is_active


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, Role.AUDITOR, Role.ANALYST])
def test_other_staff_do_not_see_accounts(client, person, role):
    client.force_login(assign_role(user=person, role=role), backend=BACKEND)
    for model in ["user", "session", "apikey", "mail", "loginday", "reputationchange"]:
        assert client.get(reverse(f"admin:accounts_{model}_changelist")).status_code == 403


def test_lock_unlock_and_revoke(client, boss, person, tokens):
    act(client, "user", "lock", person, boss)
    person.refresh_from_db()
    boss.refresh_from_db()
    assert (person.is_active, boss.is_active) == (False, True)
    assert Session.objects.get().revoked_reason == "user_locked"
    act(client, "user", "unlock", person)
    person.refresh_from_db()
    assert person.is_active
    actions = Entry.objects.filter(actor=f"user:{boss.pk}").order_by("id").values_list("action", flat=True)
    assert Entry.objects.get(action="user_locked").metadata["reason"] == "a lost phone"
    assert list(actions)[-4:] == ["user_locked", "session_revoked", "sessions_revoked", "user_unlocked"]


@pytest.mark.parametrize("model", ["user", "session"])
def test_sessions_can_be_revoked_by_user_and_one_by_one(client, boss, person, tokens, model):
    if model == "user":
        act(client, "user", "log_out", person)
    else:
        act(client, "session", "revoke", Session.objects.get())
    assert Session.objects.get().revoked_reason == "staff"
    assert Entry.objects.get(action="session_revoked").metadata["why"] == "a lost phone"


def test_keys_and_sessions_are_shown_without_their_secrets(client, boss, tokens):
    issue_api_key(username="robot", role=Role.SERVICE)
    key, session = ApiKey.objects.get(), Session.objects.get()
    for row, model in [(key, "apikey"), (session, "session")]:
        pages = [
            client.get(reverse(f"admin:accounts_{model}_changelist")),
            client.get(reverse(f"admin:accounts_{model}_change", args=[row.pk])),
        ]
        for page in pages:
            assert page.status_code == 200
            assert key.digest not in page.content.decode() and session.refresh_jti not in page.content.decode()
    act(client, "apikey", "revoke", key)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_nothing_is_deleted_or_added_by_hand(client, boss, person, tokens):
    assert client.post(f"{USERS}{person.pk}/delete/", {"post": "yes"}).status_code == 403
    for model in ("session", "apikey", "mail", "loginday", "reputationchange"):
        client.post(f"/admin/accounts/{model}/add/", {})
    assert (Session.objects.count(), ApiKey.objects.count(), Mail.objects.count()) == (1, 0, 0)


def test_password_logins_are_in_the_trail(client, person):
    assign_role(user=person, role=Role.OPERATOR)
    url = reverse("admin:login")
    client.post(url, {"username": "ann", "password": "wrong"})
    client.post(url, {"username": "ann", "password": "a long pass phrase"})
    client.post(reverse("admin:logout"))
    entries = Entry.objects.filter(action__startswith="log").order_by("id").values_list("action", "status", "actor")
    assert list(entries) == [
        ("login_failed", "failure", "anonymous"),
        ("login", "success", f"user:{person.pk}"),
        ("logout", "success", f"user:{person.pk}"),
    ]
    assert "wrong" not in str(list(Entry.objects.values()))


def test_what_is_changed_by_hand_is_in_the_trail_without_its_values(client, boss, person):
    client.post(f"{USERS}{person.pk}/change/", form(person, email="new@example.org"))
    word = "correct horse battery"
    changed = client.post(f"{USERS}{person.pk}/password/", {"password1": word, "password2": word})
    assert changed.status_code == 302
    told = [str(entry.metadata) for entry in Entry.objects.filter(action="user_changed").order_by("id")]
    assert len(told) == 2 and "Email address" in told[0] and "new@example.org" not in told[0]
    assert "assword" in told[1] and word not in told[1]


def test_a_lock_needs_a_reason_and_ends_the_console_for_good(client, boss, person):
    assign_role(user=person, role=Role.OPERATOR)
    theirs = Client()
    theirs.force_login(person, backend=BACKEND)
    assert theirs.get("/admin/tasks/task/").status_code == 200
    page = f"{USERS}{person.pk}/lock/"
    assert client.post(page, {"reason": ""}).status_code == 200 and theirs.get("/admin/tasks/task/").status_code == 200
    client.post(page, {"reason": "left"})
    assert theirs.get("/admin/tasks/task/").status_code == 302
    client.post(f"{USERS}{person.pk}/unlock/", {"reason": "came back"})
    assert theirs.get("/admin/tasks/task/").status_code == 302


def test_logging_somebody_out_ends_their_console_but_not_their_keys(api, client, boss, person):
    key = issue_api_key(username="ann", role=Role.OPERATOR)
    theirs = Client()
    theirs.force_login(User.objects.get(pk=person.pk), backend=BACKEND)
    client.post(f"{USERS}{person.pk}/log_out/", {"reason": "a lost laptop"})
    assert theirs.get("/admin/tasks/task/").status_code == 302
    assert api.get("/api/v1/users/me", **bearer(key)).status_code == 200


def test_a_persons_page_shows_reputation_logins_and_sessions_to_close(client, boss, person, tokens):
    change_reputation(user_id=person.pk, rule="report_filed", points=5, subject=("report", "r1"))
    send_mail(to="ann@example.org", subject="Hello", body="words", about=("user", str(person.pk)))
    run_due()
    session = Session.objects.get(user=person)
    shown = client.get(f"{USERS}{person.pk}/change/").content.decode()
    revoke = f"/admin/accounts/session/{session.pk}/revoke/"
    for words in ("report_filed", "+5", "report:r1", revoke, "Wrong codes", "button-lock", "Audit trail: all"):
        assert words in shown
    client.post(revoke, {"reason": "a lost phone"})
    session.refresh_from_db()
    assert session.revoked_reason == "staff"


def test_every_page_about_accounts_opens_and_finds(client, boss, person, tokens):
    change_reputation(user_id=person.pk, rule="report_filed", points=5, subject=("report", "r1"))
    send_mail(to="ann@example.org", subject="Hello", body="some words", about=("user", str(person.pk)))
    run_due()
    mail, change = Mail.objects.get(), ReputationChange.objects.get()
    for model, row, term, words in [
        ("mail", mail, str(mail.pk), "some words"),
        ("reputationchange", change, str(person.pk), "report_filed"),
        ("session", Session.objects.get(), str(person.pk), "unknown"),
        ("user", person, "+4930901820", "ann"),
    ]:
        found = client.get(reverse(f"admin:accounts_{model}_changelist"), {"q": term})
        assert row in found.context["cl"].result_list
        page = client.get(reverse(f"admin:accounts_{model}_change", args=[row.pk]))
        assert words in page.content.decode()
    User.objects.filter(pk=person.pk).update(email="Ann@example.org")
    found = client.get(USERS, {"q": "ann@EXAMPLE.org"})
    assert list(found.context["cl"].result_list) == [person]
    assert "Logins today" in client.get("/admin/accounts/loginday/").content.decode()
