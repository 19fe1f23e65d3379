"""Suggest what new reports are duplicates of. Nothing is merged, and nothing is lost, without a person."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from reports.duplicates import published
from reports.duplicates.models import DuplicateLink
from reports.duplicates.search import find_many
from reports.models import Report
from reports.review.models import Why
from reports.review.work import Wanted, open_items

SUGGESTED = 3  # for one report at most
OPEN = {Report.Status.RECEIVED, Report.Status.ACKNOWLEDGED, Report.Status.IN_PROGRESS}


@transaction.atomic
def link_duplicates(reports: Sequence[Report]) -> int:
    """Link open reports to their likely originals as suggestions, each with a review. Returns how many links.

    Done again it replaces its own suggestions; what a person decided stays, and is not suggested again.
    """
    asked = [report for report in reports if report.status in OPEN]
    limit = published.finder().suggest_from
    links = [
        DuplicateLink(
            report_id=key,
            original_id=one.report_id,
            probability=one.probability,
            distance_m=one.distance_m,
            days=one.days,
            model_version=found.model_version,
        )
        for key, found in find_many(asked, SUGGESTED).items()
        for one in found.candidates
        if one.probability >= limit
    ]
    mine = DuplicateLink.objects.filter(report__in=asked)
    mine.filter(state=DuplicateLink.State.SUGGESTED).delete()
    decided = set(mine.values_list("report_id", "original_id"))
    new = [link for link in links if (link.report_id, link.original_id) not in decided]
    DuplicateLink.objects.bulk_create(new)
    open_items(
        Wanted(
            report_id=link.report_id,
            why=Why.LIKELY_DUPLICATE,
            risk=link.probability or 0.0,
            details={"of": link.original_id, "probability": round(link.probability or 0.0, 4)},
        )
        for link in reversed(new)  # the likeliest last: its details stay
    )
    return len(new)
