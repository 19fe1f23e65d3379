"""Who sees and presses what. The server decides; hidden buttons are only kindness."""

import pytest
from django.urls import reverse

from tests.console.conftest import ask_for_loan, new_task

pytestmark = pytest.mark.django_db
TASKS, SETS = "/admin/tasks/task/", "/admin/features/featuresetversion/"
LETTERS, CONTROLS, SCHEDULES = f"{TASKS}letters/", "/admin/tasks/control/", "/admin/tasks/schedule/"
EVERYBODY = {"operator", "reviewer", "analyst", "auditor"}
REPORTS = ("report", "reviewitem", "classification", "classification/versions", "correction", "duplicatelink",
           "submission", "category", "department", "attribute")  # fmt: skip
CLAIMS = ("claim", "verdict", "verdict/versions", "verificationrun", "corpus", "document")
EDITED = {f"/admin/reports/{name}/" for name in ("category", "department", "attribute")}  # what a city decides
MAY_LOOK = {
    "/admin/": EVERYBODY,
    TASKS: {"operator"},
    "/admin/tasks/webhook/": {"operator"},
    "/admin/tasks/delivery/": {"operator"},
    LETTERS: {"operator"},
    CONTROLS: {"operator"},
    SCHEDULES: {"operator"},
    SETS: {"operator", "analyst"},
    "/admin/features/qualityalert/": {"operator", "analyst"},
    "/admin/features/export/": {"operator", "analyst"},
    "/admin/features/exportedfile/": {"operator", "analyst"},
    "/admin/features/dataset/": {"operator", "analyst"},
    "/admin/features/backfill/": {"operator", "analyst"},
    "/admin/features/rawevent/": {"operator", "analyst"},
    "/admin/features/featurevalue/": {"operator", "analyst"},
    "/admin/features/featurehistory/": {"operator", "analyst"},
    "/admin/loans/loanrequest/": {"operator", "reviewer", "analyst"},
    "/admin/loans/notice/": {"operator", "reviewer"},
    "/admin/loans/reviewitem/": {"operator", "reviewer"},
    "/admin/loans/loan/": {"operator", "reviewer", "analyst"},
    "/admin/loans/borrower/": {"operator", "reviewer"},
    "/admin/loans/policyversion/": {"operator", "reviewer", "analyst"},
    "/admin/loans/policytrial/": {"operator", "reviewer", "analyst"},
    "/admin/policies/quote/": {"operator", "analyst"},
    "/admin/policies/policy/": {"operator", "analyst"},
    "/admin/policies/paymenttransaction/": {"operator", "analyst"},
    "/admin/recordings/recordingsession/": {"operator", "analyst"},
    "/admin/recordings/recordingsession/coverage/": {"operator", "analyst"},
    "/admin/recordings/measurement/": {"operator", "analyst"},
    "/admin/audit/entry/": {"auditor"},
    "/admin/archive/export/": {"auditor"},
    **{f"/admin/reports/{name}/": {"operator", "reviewer", "analyst"} for name in REPORTS},
    **{f"/admin/claims/{name}/": {"operator", "reviewer", "analyst"} for name in CLAIMS},
    "/admin/accounts/user/": set(),
    "/admin/axes/accessattempt/": set(),
}


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_role_opens_its_pages_and_no_other(staff, role):
    browser = staff(role)
    opened = {page for page in MAY_LOOK if browser.get(page).status_code == 200}
    assert opened == {page for page, roles in MAY_LOOK.items() if role in roles}


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_the_sidebar_lists_what_the_role_may_open(staff, role):
    groups = staff(role).get("/admin/").context["sidebar_navigation"]
    links = {str(item["link"]) for group in groups for item in group["items"]}
    assert links == {page for page, roles in MAY_LOOK.items() if role in roles}


@pytest.mark.parametrize("role", ["client", "service"])
def test_people_who_are_no_staff_are_sent_to_the_login(staff, role):
    answer = staff(role).get(TASKS)
    assert answer.status_code == 302 and "/admin/login/" in answer.url


def test_an_admin_by_role_opens_everything(staff):
    boss = staff("admin")
    assert {boss.get(page).status_code for page in MAY_LOOK} == {200}


@pytest.mark.parametrize("button", ["retry", "cancel", "discard"])
def test_only_who_may_press_gets_the_button_and_the_page(staff, button):
    task = new_task("pending" if button == "cancel" else "failed")
    page = f"{TASKS}{task.pk}/change/"
    operator, analyst = staff("operator"), staff("analyst")
    assert f'id="button-{button}"' in operator.get(page).content.decode()
    assert analyst.get(page).status_code == 403
    for method in (analyst.get, analyst.post):
        assert method(f"{TASKS}{task.pk}/{button}/").status_code == 403
    task.refresh_from_db()
    assert (task.status, task.discarded_at) == ("pending" if button == "cancel" else "failed", None)


def test_who_may_look_at_tasks_but_not_act_sees_no_buttons(staff):
    from django.contrib.auth.models import Permission

    task = new_task("failed")
    watcher = staff("auditor")
    watcher.person.user_permissions.add(Permission.objects.get(codename="view_task"))
    shown = watcher.get(f"{TASKS}{task.pk}/change/").content.decode()
    assert "garden.note" in shown and "button-retry" not in shown
    assert 'name="action"' not in watcher.get(TASKS).content.decode()
    watcher.post(TASKS, {"action": "retry", "_selected_action": [str(task.pk)], "confirmed": "yes"})
    assert not hasattr(type(task).objects.get(pk=task.pk), "retried_by")
    assert watcher.post(f"{TASKS}{task.pk}/retry/").status_code == 403


def test_analysts_look_at_the_catalogue_and_cannot_start_anything(staff):
    analyst = staff("analyst")
    assert "button-backfill" not in analyst.get(SETS).content.decode()
    for button in ("extract", "backfill"):
        assert analyst.get(f"{SETS}{button}/").status_code == 403
        assert analyst.post(f"{SETS}{button}/", {"batch_size": 1, "max_batches": 1}).status_code == 403


@pytest.mark.parametrize("path", ["", "queues/0/", "queues/0/empty/", "workers/0/", "stats.json", "metrics"])
@pytest.mark.parametrize("role", ["auditor", "operator", "admin"])
def test_pages_of_rq_are_not_there(staff, role, path):
    """They ask for nothing but `is_staff` and can empty queues."""
    browser = staff(role)
    for root in ("/admin/django_rq/", "/admin/django_rq/dashboard/", "/django-rq/"):
        assert browser.get(root + path).status_code in (403, 404)
        assert browser.post(root + path).status_code in (403, 404)


def test_rows_are_read_only_for_everyone(staff):
    """No page of the platform's rows adds, changes or deletes, even for an admin."""
    boss, task = staff("admin"), new_task("failed")
    for page in (page for page, roles in MAY_LOOK.items() if roles and page not in {"/admin/", LETTERS, *EDITED}):
        assert boss.get(f"{page}add/").status_code in (302, 403), page
    assert boss.post(f"{TASKS}{task.pk}/change/", {"status": "pending"}).status_code == 403
    assert boss.post(f"{TASKS}{task.pk}/delete/", {"post": "yes"}).status_code == 403


OF_CLAIMS = {"Claims without enough evidence", "Verdicts flipped", "Verdicts, last 14 days"}
OF_REPORTS = {
    "Reports, last 14 days",
    "Reports in review",
    "Reports to be classified",
    "Reports reviewed, last 14 days",
    "Median time to resolve",
    "Median time in review",
    "Open by department",
    "Decisions by reviewer",
    "Reviewers agree with the model, 28 days",
}


def test_a_page_shows_other_apps_rows_only_to_those_who_may_see_them(staff):
    page = reverse("admin:loans_loanrequest_change", args=[ask_for_loan().pk])
    reviewer, boss = staff("reviewer").get(page), staff("admin").get(page)
    hidden = ["Tasks about the borrower", "Audit trail: all"]
    assert [word in reviewer.content.decode() for word in hidden] == [False, False]
    assert [word in boss.content.decode() for word in hidden] == [True, True]


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        ("auditor", {"Audit entries sealed"}),
        ("reviewer", {"Loans in review", "Loan decisions, last 14 days", *OF_REPORTS, *OF_CLAIMS}),
        ("analyst", {"Events not counted yet", "Entities behind", "Feature coverage", "Drift",
                     "Coverage of all sets, last 30 days", "Loans in review",
                     "Loan decisions, last 14 days", "Payments that fail", "Payments, last 14 days", "Quotes bound",
                     "Recordings with features", "Measurements with features, last 14 days", *OF_REPORTS, *OF_CLAIMS}),
    ],
)  # fmt: skip
def test_the_dashboard_shows_what_the_role_may_see(staff, role, titles):
    shown = staff(role).get("/admin/").context
    assert {panel.title for panel in [*shown["numbers"], *shown["panels"]]} == titles
