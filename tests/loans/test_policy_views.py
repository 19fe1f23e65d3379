"""Policies over HTTP and in the console, as people use them."""

import pytest

from audit.models import Entry
from loans.models import PolicyTrial, PolicyVersion
from loans.policy.trial import run_trial
from tasks.models import Task
from tests import makers
from tests.console.conftest import staff, told  # noqa: F401 - the fixture
from tests.loans.policies import activated, approved, ask, by, reviewer, rule

pytestmark = pytest.mark.django_db
URL = "/api/v1/loans/policies/"
PAGE = "/admin/loans/policyversion/"
DRAFT = {"version": "2.0", "based_on": "1.0", "changes": {"approve_from": 80}, "reason": "losses rise"}


def test_a_policy_goes_its_way_over_http():
    author, second = makers.client(reviewer()), makers.client(reviewer())
    made = author.post(URL, DRAFT, format="json")
    assert made.status_code == 201 and (made.json()["status"], made.json()["approve_from"]) == ("draft", 80)
    assert len(made.json()["rules"]) == 5
    tried = author.post(f"{URL}2.0/try", {"loss_given_default": 0.6}, format="json")
    assert tried.status_code == 202 and Task.objects.get(pk=tried.json()["task_id"]).name == "loans.try_policy"
    run_trial(policy_id=PolicyVersion.objects.get(version="2.0").pk)
    own = author.post(f"{URL}2.0/approve", {"reason": "mine"}, format="json")
    assert own.status_code == 403 and own["Content-Type"] == "application/problem+json"
    assert second.post(f"{URL}2.0/approve", {"reason": "fine"}, format="json").json()["status"] == "approved"
    assert second.post(f"{URL}2.0/challenge", {"reason": "look"}, format="json").json()["is_challenger"] is True
    assert second.post(f"{URL}2.0/stop-challenge", {"reason": "seen"}, format="json").json()["is_challenger"] is False
    active = second.post(f"{URL}2.0/activate", {"reason": "go"}, format="json").json()
    assert (active["status"], active["in_shadow"]["requests"], active["trial"]["flips"]) == ("active", 0, [])
    assert second.post(f"{URL}2.0/activate", {"reason": "again"}, format="json").status_code == 409
    assert ask().decision.policy_version == "2.0"
    listed = makers.client(makers.user("auditor")).get(URL).json()["results"]
    assert [(one["version"], one["status"]) for one in listed] == [
        ("2.0", "active"),
        ("1.1", "draft"),
        ("1.0", "retired"),
    ]


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"version": "a b"}, 400, "#/version"),
        ({"version": "1.0"}, 400, "#/version"),
        ({"version": "x" * 11}, 400, "#/version"),
        ({"based_on": "9"}, 400, "#/based_on"),
        ({"changes": {"approve_from": 101}}, 400, "#/changes/approve_from"),
        ({"changes": {"approve_from": 30}}, 400, "#/approve_from"),
        ({"changes": {"status": "active"}}, 400, "#/changes/status"),
        ({"changes": {"fraud_review_from": "NaN"}}, 400, "#/"),
        ({"rules": [{"name": "x"}]}, 400, "#/rules"),
        ({"rules": "DROP TABLE"}, 400, "#/rules"),
        ({"rules": [rule("a\x00", "loans_out_of_order", {})]}, 400, "#/rules"),
        ({"rules": [rule("a", "velocity", {"subject": ["ip"], "window_s": 1, "from": 1})]}, 400, "#/rules"),
        ({"rules": [rule("a", "loans_out_of_order", {})] * 2}, 400, "#/rules"),
        ({"colour": "red"}, 400, "#/colour"),
    ],
)
def test_a_wrong_draft_is_told_what_is_wrong(change, status, pointer):
    answer = makers.client(reviewer()).post(URL, DRAFT | change, format="json")
    assert answer.status_code == status, answer.content
    if answer.json().get("errors"):
        assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"])
    assert not PolicyVersion.objects.filter(version="2.0").exists()


@pytest.mark.parametrize("role", ["client", "service", "operator", "analyst", "auditor"])
def test_only_reviewers_write(role):
    client = makers.client(makers.user(role))
    assert client.post(URL, DRAFT, format="json").status_code == 403
    assert client.post(f"{URL}1.1/try", {}, format="json").status_code == 403
    assert client.post(f"{URL}1.1/approve", {"reason": "x"}, format="json").status_code == 403
    assert client.get(URL).status_code == (403 if role in ("client", "service") else 200)


def test_what_is_not_there_is_not_there():
    client = makers.client(reviewer())
    assert client.get(f"{URL}9.9").status_code == 404
    assert client.post(f"{URL}9.9/approve", {"reason": "x"}, format="json").status_code == 404


def filled(browser, page, **changes):
    """The draft's form as it opens, with some fields changed."""
    form = browser.get(f"{page}draft/").context["form"]
    opened = {field.html_name: field.value() for field in form}
    return {name: value for name, value in opened.items() if value is not None and value is not False} | changes


def test_the_console_leads_from_a_draft_to_the_active_policy(staff):  # noqa: F811
    ask()
    author, second = staff("reviewer"), staff("reviewer")
    first = PolicyVersion.objects.get(version="1.0")
    form = filled(author, f"{PAGE}{first.pk}/", version="2.0", approve_from=85, reason="losses rise")
    answer = author.post(f"{PAGE}{first.pk}/draft/", form, follow=True)
    row = PolicyVersion.objects.get(version="2.0")
    assert told(answer) == ["2.0 is a draft; try it next."] and str(row.pk) in answer.redirect_chain[0][0]
    assert (row.approve_from, row.review_from, row.note, row.author) == (85, 50, "losses rise", author.person)
    assert row.rule_set == first.rule_set
    page = author.get(answer.redirect_chain[0][0]).context["panels"][0]
    assert (page.title, page.rows) == (
        "What is different from 1.0, which is active",
        [("Approve from", 70, 85)],
    )
    author.post(f"{PAGE}{row.pk}/try/", {"loss_given_default": 0.45, "reason": "x"})
    assert Task.objects.filter(name="loans.try_policy").count() == 1
    run_trial(policy_id=row.pk)
    assert "somebody else" in told(author.post(f"{PAGE}{row.pk}/approve/", {"reason": "mine"}, follow=True))[-1]
    second.post(f"{PAGE}{row.pk}/approve/", {"reason": "fine"})
    second.post(f"{PAGE}{row.pk}/activate/", {"reason": "go"})
    row.refresh_from_db()
    assert (row.status, row.approved_by) == ("active", second.person)
    entry = Entry.objects.get(action="policy_activated")
    assert (entry.actor, entry.metadata["reason"]) == (f"user:{second.person.pk}", "go")
    page = second.get(f"{PAGE}{row.pk}/change/").content.decode()
    for word in ("What it would have done", "velocity_borrower_1h", "Expected loss", "Who flips", "losses rise"):
        assert word in page, word
    trial = PolicyTrial.objects.get()
    assert "Requests that flip" in second.get(f"/admin/loans/policytrial/{trial.pk}/change/").content.decode()
    assert second.get(PAGE).status_code == 200


def test_staff_change_fraud_rules_and_add_one_without_code(staff):  # noqa: F811
    author, first = staff("reviewer"), PolicyVersion.objects.get(version="1.0")
    page = f"{PAGE}{first.pk}/"
    added = {"more-kind": "velocity", "more-name": "velocity_phone_1h", "more-subject": "phone", "more-from": 4}
    form = filled(author, page, version="2.0", reason="rings", **{"2-from": 9, **added}) | {"more-reason": "F01"}
    form.pop("0-enabled")
    refused = author.post(f"{page}draft/", form)
    assert "velocity needs this." in refused.content.decode() and not PolicyVersion.objects.filter(version="2.0")
    author.post(f"{page}draft/", form | {"more-window_s": 3600, "more-weight": 0.4})
    rules = {one.name: one for one in PolicyVersion.objects.get(version="2.0").rule_set.rules.all()}
    assert len(rules) == 6 and [name for name, one in rules.items() if not one.enabled] == ["velocity_borrower_1h"]
    assert rules["velocity_ip_1h"].limits == {"subject": "ip", "window_s": 3600, "from": 9}
    assert rules["velocity_phone_1h"].limits == {"subject": "phone", "window_s": 3600, "from": 4}
    assert rules["velocity_phone_1h"].reason_text == "Number of recent credit applications"


@pytest.mark.parametrize("button", ["draft", "try", "approve", "activate", "challenge", "stop", "retire"])
def test_only_reviewers_press(staff, button):  # noqa: F811
    row = PolicyVersion.objects.get(version="1.1")
    assert staff("operator").post(f"{PAGE}{row.pk}/{button}/", {"reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "sees"), [("reviewer", True), ("admin", True), ("operator", False), ("analyst", False)]
)
def test_fraud_evidence_is_for_reviewers(staff, role, sees):  # noqa: F811
    activated("2.0", rules=[rule("same_ip", "velocity", {"subject": "ip", "window_s": 777, "from": 1})])
    ask()
    request = ask().request
    page = staff(role).get(f"/admin/loans/loanrequest/{request.pk}/change/").content.decode()
    assert "same_ip" in page and ("in the 13 min before" in page) is sees


def test_the_console_compares_the_challenger(staff, known_borrower):  # noqa: F811
    from loans.policy.control import start_challenger
    from loans.policy.shadow import shadow_decisions

    row = approved("2.0", max_amount=1)
    with by(reviewer()):
        start_challenger(policy_id=row.pk, reason="see")
    PolicyVersion.objects.filter(pk=row.pk).update(challenger_since="2020-01-01T00:00Z")
    request = ask(known_borrower.user).request
    assert shadow_decisions()["decided"] == 1
    page = staff("reviewer").get(f"{PAGE}{row.pk}/change/").content.decode()
    assert "In shadow" in page and "0.0 %" in page and str(request.pk) in page
