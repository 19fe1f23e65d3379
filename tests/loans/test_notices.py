"""What a borrower is told in writing: once, in time, with reasons, and nothing of the fraud rules' evidence."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import InternalError, connections, transaction

from audit.models import Entry
from loans.models import CreditDecision, LoanRequest, Notice
from loans.notices import issue
from loans.review import work
from loans.tasks import mail_notice, send_notices
from tasks.testing import run_due
from tests import makers
from tests.loans.test_review import in_review


def declined(user=None, *, purpose="car"):
    """A request that a reviewer declined."""
    item = in_review(user)
    LoanRequest.objects.filter(pk=item.loan_request_id).update(purpose=purpose)
    reviewer = makers.user("reviewer")
    work.claim_item(item_id=item.pk, user=reviewer)
    decision = work.decide_item(
        item_id=item.pk, user=reviewer, approve=False, note="velocity of devices", reason_codes=["R01", "A01"]
    )
    return CreditDecision.objects.select_related("loan_request__borrower__user").get(pk=decision.pk)


@pytest.mark.django_db
def test_a_notice_names_lender_reasons_law_score_and_what_may_be_asked_for_instead(settings):
    settings.LENDER_NAME, settings.LENDER_ADDRESS = "First Mill", "1 Mill Street"
    decision = declined()
    said = issue.wording_of(decision)
    for text in (said.text, said.html):
        for part in ("First Mill", "1 Mill Street", "Unable to verify income", "Monthly payment requested is too large",
                     "Equal Credit Opportunity Act", settings.LENDER_AGENCY, "range from 0 to 100", "30000 over 24",
                     "2030-01-01"):  # fmt: skip
            assert part in text, part
        for secret in ("amount_over_history", "velocity", "fraud", "policy", "Policy"):
            assert secret not in text, secret


@pytest.mark.django_db
def test_what_people_wrote_is_escaped_on_the_page_and_plain_in_the_text():
    said = issue.wording_of(declined(purpose="<script>alert(1)</script> & more"))
    assert "<script>" not in said.html and "&lt;script&gt;" in said.html
    assert "<script>alert(1)</script> & more" in said.text


@pytest.mark.django_db
def test_a_decline_is_told_once_by_mail_and_kept_word_for_word():
    user = makers.user(email="ann@example.org")
    decision = declined(user)
    for _ in range(2):
        send_notices.call()
        run_due("low")
    notice = Notice.objects.get()
    mail_notice.call(notice_id=str(notice.pk))  # delivered twice
    [message] = mail.outbox
    assert message.to == ["ann@example.org"] and message.body == notice.text
    assert message.alternatives[0][0] == notice.html and str(notice.pk) in message.extra_headers["Message-ID"]
    assert notice.due_date == (decision.loan_request.created_at + timedelta(days=30)).date()
    assert notice.sent_at is not None and not issue.not_told().exists()
    whole = "\x00".join((notice.subject, notice.text, notice.html))
    assert notice.sha256 == hashlib.sha256(whole.encode()).hexdigest()
    assert Entry.objects.get(action="notice_issued").metadata["sha256"] == notice.sha256
    with pytest.raises(InternalError, match="only_sent"), transaction.atomic():
        Notice.objects.update(text="something else")


@pytest.mark.django_db
def test_a_notice_that_a_crash_sends_twice_carries_one_message_id():
    declined(makers.user(email="ann@example.org"))
    send_notices.call()
    notice = Notice.objects.get()
    with pytest.raises(RuntimeError), transaction.atomic():
        issue.mail_notice(notice.pk)
        raise RuntimeError("killed before the commit")
    assert issue.mail_notice(notice.pk)
    assert len(mail.outbox) == 2 and len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1


@pytest.mark.django_db
def test_without_an_address_staff_post_the_letter():
    declined()
    send_notices.call()
    notice = Notice.objects.get()
    assert (notice.channel, notice.sent_at) == ("post", None) and not mail.outbox
    assert issue.post_notice(notice_id=notice.pk).sent_at is not None
    with pytest.raises(issue.WrongState):
        issue.post_notice(notice_id=notice.pk)


@pytest.mark.django_db
def test_after_thirty_days_without_a_word_there_is_an_alarm():
    decision = declined()
    assert issue.overdue_count() == 0
    late = decision.loan_request.created_at - timedelta(days=31)
    LoanRequest.objects.update(created_at=late)
    assert issue.overdue_count() == 1
    send_notices.call()
    assert issue.overdue_count() == 1  # a letter that nobody posted
    issue.post_notice(notice_id=Notice.objects.get().pk)
    assert issue.overdue_count() == 0


@pytest.mark.django_db
def test_the_borrower_and_reviewers_read_it_as_json_page_or_text():
    user = makers.user()
    decision = declined(user)
    path = f"/api/v1/loans/{decision.loan_request_id}/notice"
    before = makers.client(user).get(path).json()
    assert before["issued_at"] is None and before["decision_id"] == str(decision.pk)
    send_notices.call()
    after = makers.client(user).get(path).json()
    assert after["issued_at"] and (after["text"], after["sha256"]) == (before["text"], before["sha256"])
    page = makers.client(makers.user("reviewer")).get(path, headers={"Accept": "text/html"})
    assert page["Content-Type"].startswith("text/html") and page.content.decode() == after["html"]
    text = makers.client(user).get(path, headers={"Accept": "text/plain"})
    assert text["Content-Type"].startswith("text/plain") and text.content.decode() == after["text"]
    assert makers.client(makers.user()).get(path).status_code == 404
    assert makers.client(makers.user("operator")).get(path).status_code == 403


@pytest.mark.django_db
def test_there_is_no_notice_while_a_request_is_open():
    user = makers.user()
    item = in_review(user)
    assert makers.client(user).get(f"/api/v1/loans/{item.loan_request_id}/notice").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_several_that_issue_or_mail_at_once_one_does(redis):
    decision = declined(makers.user(email="ann@example.org"))

    def at_once(call):
        def run(_):
            try:
                return call()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            return sum(bool(done) for done in pool.map(run, range(4)))

    assert at_once(lambda: issue.issue_notice(decision)) == 1
    notice = Notice.objects.get()
    assert at_once(lambda: issue.mail_notice(notice.pk)) == 1
    assert len(mail.outbox) == 1
