"""Open items, and hand them to reviewers. Races are decided by the rows.

Whoever locks a report and its item locks the report first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from audit.services import log_audit_event
from base import worklist
from base.worklist import OwnWork, Status
from reports.membership import theirs
from reports.review.models import ReviewItem, Why

# What is due on the earliest day first, and of a day the riskiest.
ORDER = worklist.Order(day="due_day")
# A second reason joins the open item: the greater risk and the earlier time hold.
OPEN = """
INSERT INTO reports_reviewitem (report_id, why, details, risk, status, due_at)
SELECT asked.report_id, asked.why, asked.details, asked.risk, 'open',
       now() + make_interval(secs => 3600 * LEAST(asked.hours, category.resolve_hours / 4.0))
FROM jsonb_to_recordset(%s) AS asked(report_id bigint, why text[], details jsonb, risk float8, hours float8)
JOIN reports_report report ON report.id = asked.report_id
LEFT JOIN reports_category category ON category.code = report.category_id
ORDER BY asked.report_id
ON CONFLICT (report_id) WHERE NOT status = 'done' DO UPDATE SET
  why = reports_reviewitem.why
        || ARRAY(SELECT code FROM unnest(EXCLUDED.why) code WHERE code <> ALL (reports_reviewitem.why)),
  details = reports_reviewitem.details || EXCLUDED.details,
  risk = GREATEST(reports_reviewitem.risk, EXCLUDED.risk),
  due_at = LEAST(reports_reviewitem.due_at, EXCLUDED.due_at)
RETURNING report_id, id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A report that a person should look at. risk: 0–1. details: JSON, what the reason was found by."""

    report_id: int
    why: str
    risk: float
    details: Mapping[str, Any] = field(default_factory=dict)


def open_item(*, report_id: int, why: str, risk: float, details: Mapping[str, Any] | None = None) -> int:
    """Put a report into the queue, or a further reason to its open item. Returns the item's id.

    Raises ReviewItem.DoesNotExist if there is no such report.
    """
    opened = open_items([Wanted(report_id=report_id, why=why, risk=risk, details=details or {})])
    if report_id not in opened:
        raise ReviewItem.DoesNotExist
    return opened[report_id]


def open_items(wanted: Iterable[Wanted]) -> dict[int, int]:
    """The same for many, by one statement. Returns the items' ids by report; reports that are gone have none."""
    asked: dict[int, dict[str, Any]] = {}
    for one in wanted:
        why = Why(one.why)
        row = asked.setdefault(
            one.report_id, {"report_id": one.report_id, "why": [], "details": {}, "risk": 0.0, "hours": hours(why)}
        )
        row["why"] += [why] if why not in row["why"] else []
        row["details"][why] = dict(one.details)
        row["risk"] = max(row["risk"], one.risk)
        row["hours"] = min(row["hours"], hours(why))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [json.dumps(list(asked.values()))])
        return dict(cursor.fetchall())


def hours(why: str) -> int:
    """How long a reviewer may take. A quarter of what the category's department has is the limit besides."""
    urgent = why in (Why.URGENT, Why.ABUSE)
    return settings.REPORT_REVIEW_URGENT_HOURS if urgent else settings.REPORT_REVIEW_HOURS


@transaction.atomic
def claim_item(*, item_id: int, user: Any) -> ReviewItem:
    """Take an item that nobody has; one's own claim is prolonged. Raises WrongState, OwnWork, DoesNotExist."""
    refuse_own(item_id, user)
    items = visible_items(user).filter(pk=item_id)
    taken = worklist.claim(items, user, minutes=settings.REPORT_REVIEW_CLAIM_MINUTES)
    item = one_item(item_id, user)
    if not taken:
        worklist.refuse_taken(item)
    note("report_review_claimed", item)
    return item


@transaction.atomic
def claim_next(*, user: Any, after: ReviewItem | None = None) -> ReviewItem | None:
    """Take the first free item of the queue, or before it what this person has claimed already; None: none is left.

    Two people who ask at once get two items. after: the first free one behind this, for who does not want it.
    """
    queue = visible_items(user).exclude(report__reporter=user).select_for_update(skip_locked=True, of=("self",))
    held = queue.filter(status=Status.CLAIMED, claimed_by=user, claim_until__gt=Now())
    if after is None:
        found = held.order_by(*ORDER.fields).first() or queue.filter(worklist.free()).order_by(*ORDER.fields).first()
    else:
        place = ORDER.place_of(after)
        found = next(iter(ORDER.behind(queue.filter(worklist.free()), place)), None)
    return found and claim_item(item_id=found.pk, user=user)


@transaction.atomic
def release_item(*, item_id: int, user: Any, reason: str = "") -> ReviewItem:
    """Give an item back that one has claimed. Raises WrongState, DoesNotExist."""
    given = worklist.release(visible_items(user).filter(pk=item_id), user)
    item = one_item(item_id, user)
    if not given:
        raise worklist.WrongState("Only who has claimed a report can release it.")
    note("report_review_released", item, reason=reason)
    return item


def visible_items(user: Any) -> QuerySet[ReviewItem]:
    """All items this person may see, done or not."""
    return ReviewItem.objects.filter(theirs(user))


def waiting_items(user: Any) -> QuerySet[ReviewItem]:
    """This person's queue: what is due on the earliest day first, and of a day the riskiest."""
    return visible_items(user).exclude(status=Status.DONE).order_by(*ORDER.fields)


def overdue_items(user: Any, at: datetime | None = None) -> QuerySet[ReviewItem]:
    """What is late now, or was at a time before."""
    if at is None:
        return visible_items(user).exclude(status=Status.DONE).filter(due_at__lt=Now())
    return visible_items(user).filter(~Q(status=Status.DONE) | Q(decided_at__gt=at), due_at__lt=at).order_by()


def one_item(item_id: int, user: Any) -> ReviewItem:
    return visible_items(user).select_related("report__category", "claimed_by").get(pk=item_id)


def refuse_own(item_id: int, user: Any) -> None:
    own = visible_items(user).filter(pk=item_id).values_list(F("report__reporter_id"), flat=True)
    if user.pk in own:
        raise OwnWork("Nobody reviews a report of their own.")


def note(action: str, item: ReviewItem, **metadata: Any) -> None:
    log_audit_event(action, "report", item.report_id, {"review_id": item.pk} | metadata)
