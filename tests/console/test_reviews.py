"""The review queue at the console: claimed, decided with reasons, and told in a letter."""

import pytest

from loans.models import CreditDecision, Notice
from loans.tasks import send_notices
from tests.console.conftest import told
from tests.loans.test_review import in_review

pytestmark = pytest.mark.django_db
ITEMS = "/admin/loans/reviewitem/"


def shown(browser, item):
    return [button["button"].name for button in browser.get(f"{ITEMS}{item.pk}/change/").context["buttons"]]


def test_a_reviewer_claims_and_declines_and_the_letter_is_printed(staff):
    reviewer, item = staff("reviewer"), in_review()
    assert shown(reviewer, item) == ["claim"]
    assert "It is yours" in told(reviewer.post(f"{ITEMS}{item.pk}/claim/", {"reason": ""}, follow=True))[0]
    assert shown(reviewer, item) == ["release", "approve", "decline"]
    assert shown(staff("reviewer"), item) == []
    question = reviewer.get(f"{ITEMS}{item.pk}/decline/").content.decode()
    assert "Unable to verify income" in question
    reviewer.post(f"{ITEMS}{item.pk}/decline/", {"reasons": ["R01"], "reason": "no payslips"}, follow=True)
    decision = CreditDecision.objects.get(loan_request=item.loan_request, number=2)
    assert (decision.outcome, decision.decided_by) == ("declined", reviewer.person)
    page = reviewer.get(f"/admin/loans/loanrequest/{item.loan_request_id}/change/").content.decode()
    assert "the machine" in page and reviewer.person.username in page
    send_notices.call()
    notice = Notice.objects.get()
    assert reviewer.get(f"/admin/loans/notice/{notice.pk}/print/").content.decode() == notice.html
    assert staff("auditor").get(f"/admin/loans/notice/{notice.pk}/print/").status_code == 403
    reviewer.post(f"/admin/loans/notice/{notice.pk}/post/", {"reason": ""}, follow=True)
    notice.refresh_from_db()
    assert notice.sent_at is not None


def test_five_reasons_are_refused_with_a_sentence(staff):
    reviewer, item = staff("reviewer"), in_review()
    reviewer.post(f"{ITEMS}{item.pk}/claim/", {"reason": ""}, follow=True)
    given = {"reasons": ["R01", "R02", "R03", "R04", "R05"], "reason": "all of it"}
    assert told(reviewer.post(f"{ITEMS}{item.pk}/decline/", given, follow=True)) == [
        "A decline needs 1 to 4 different reasons."
    ]


def test_operators_look_and_do_not_decide(staff):
    item, operator = in_review(), staff("operator")
    assert shown(operator, item) == []
    assert operator.post(f"{ITEMS}{item.pk}/claim/", {"reason": ""}).status_code == 403


def test_what_is_overdue_is_an_alarm(staff):
    from loans.models import ReviewItem

    item = in_review()
    ReviewItem.objects.filter(pk=item.pk).update(due_at="2026-01-01T00:00:00Z")
    numbers = {panel.title: panel for panel in staff("reviewer").get("/admin/").context["numbers"]}
    assert (numbers["Reviews overdue"].value, numbers["Reviews overdue"].tone) == ("1", "bad")
