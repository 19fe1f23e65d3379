"""Nobody deletes an account that is a party to something unfinished."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from accounts.services import StillNeeded, close_account, open_session
from loans.models import Loan, LoanRequest
from loans.repayment import book
from tests.loans.test_repayment import approved
from tests.policies import makers as policies

pytestmark = pytest.mark.django_db


def close(user):
    open_session(user=user)
    close_account(session=Session.objects.filter(user=user).latest("created_at"))


def refused(user, sentence):
    with pytest.raises(StillNeeded, match=sentence):
        close(user)
    user.refresh_from_db()
    return user.is_active


def test_not_while_a_loan_is_asked_for_or_owed(redis):
    request = approved()
    user = request.borrower.user
    LoanRequest.objects.filter(pk=request.pk).update(status="pending")
    assert refused(user, "not answered")
    LoanRequest.objects.filter(pk=request.pk).update(status="approved")
    book.grant_loan(request=request, external_id="bank-7", granted_date=timezone.now().date())
    assert refused(user, "not repaid")
    Loan.objects.update(outcome="repaid")
    close(user)
    user.refresh_from_db()
    assert not user.is_active and LoanRequest.objects.get().borrower.user == user  # lenders keep their books


def test_not_while_insured(redis):
    running = policies.policy(bound_at=timezone.now() - timedelta(days=2))
    assert refused(running.user, "policy")
    over = policies.policy(bound_at=timezone.now() - timedelta(days=400))
    close(over.user)
    over.user.refresh_from_db()
    assert not over.user.is_active
