"""When somebody has deleted their account, what they reported stays, without them."""

from __future__ import annotations

from django.db import transaction

from features.services import erase_entity
from reports.events import reporter
from reports.locks import lock_all
from reports.models import Comment, Department, Photo, Report, StatusChange, Submission

PERSON = ("email", "phone", "first_name", "last_name", "account_id", "device_id")


def forget_reporter(user_id: int) -> int:
    """Take a person out of reports, photos, comments and events. Returns how many reports they had filed.

    Counts of who has a problem stay as they are. Done again it finds nothing. Raises features.erasure.Busy.
    """
    mine = _let_go(user_id)
    erase_entity(entity_type=reporter.name, entity_id=str(user_id), reason="the account was deleted")
    return mine


@transaction.atomic
def _let_go(user_id: int) -> int:
    mine = [one.pk for one in lock_all(Report.objects.filter(reporter=user_id))]
    Submission.objects.filter(report__in=mine).update(**dict.fromkeys(PERSON, ""))
    Report.objects.filter(pk__in=mine).update(reporter=None, ip=None)
    StatusChange.objects.filter(by=user_id).update(by=None)
    Photo.objects.filter(uploaded_by=user_id).update(uploaded_by=None)
    Comment.objects.filter(author=user_id).update(author=None)
    Department.members.through.objects.filter(user=user_id).delete()
    return len(mine)
