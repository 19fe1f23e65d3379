"""The work list of reviewers."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from base.worklist import WorkItem, state_constraints
from loans.keeping import never_emptied

NOT_THEIR_OWN = """
IF NEW.claimed_by_id IS NOT NULL AND EXISTS (
  SELECT FROM loans_loanrequest r JOIN loans_borrower b ON b.id = r.borrower_id
  WHERE r.id = NEW.loan_request_id AND b.user_id = NEW.claimed_by_id)
THEN RAISE EXCEPTION 'nobody reviews a request of their own' USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""


class ReviewItem(WorkItem):
    """A request a person has to decide, by `due_at`.

    risk: 0–1, the greater of the probability of default and the fraud score.
    """

    loan_request = models.OneToOneField("loans.LoanRequest", models.PROTECT, related_name="review")
    reason = models.CharField(max_length=300)  # why the machine did not decide, for staff
    risk = models.FloatField()
    opened_at = models.DateTimeField(db_default=Now())
    opened_day = models.DateField()  # the queue's order: the oldest day first, and of a day the riskiest
    due_at = models.DateTimeField()
    note = models.CharField(max_length=1000, default="", blank=True)  # the reviewer's own words, for staff alone

    class Meta:
        ordering = ["id"]
        permissions = [("decide_reviewitem", "Can claim, release and decide requests in review")]
        constraints = state_constraints("review")
        indexes = [
            models.Index(fields=["opened_day", "-risk", "id"], condition=~Q(status="done"), name="review_queue"),
            models.Index(fields=["due_at"], condition=~Q(status="done"), name="review_due"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="not_their_own",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=NOT_THEIR_OWN,
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_emptied(),
            pgtrigger.Protect(name="done_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__status="done")),
        ]

    def __str__(self) -> str:
        return f"review of {self.loan_request}"
