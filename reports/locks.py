"""Locks on reports, until the caller's transaction ends, in one order for all, so that nobody waits crosswise.

First what waits to be processed, then reports by their ids, then their review items.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from base.worklist import WrongState
from reports.models import Report, Waiting

AT_ONCE = "Somebody merged these reports at the same moment; look again."


def lock_all(reports: QuerySet[Report]) -> QuerySet[Report]:
    """Any reports, when they are read."""
    return reports.select_for_update(no_key=True, of=("self",)).order_by("pk")


def lock_report(report_id: int) -> Report:
    """One report, with its place among what waits: a batch holds that first. Raises Report.DoesNotExist."""
    lock_waiting(report_id)
    return lock_all(Report.objects.all()).get(pk=report_id)


def lock_waiting(report_id: int) -> None:
    """Its place among what waits, if it has one."""
    Waiting.objects.select_for_update().filter(pk=report_id).first()


def lock_with_root(report_id: int) -> Report:
    """The report and where it was merged into. Raises Report.DoesNotExist."""
    root_id = Report.objects.values_list("merged_into", flat=True).get(pk=report_id)
    rows = lock_all(Report.objects.filter(pk__in=[report_id, root_id or report_id]))
    return next(one for one in rows if one.pk == report_id)


def lock_trees(*ids: int) -> dict[int, Report]:
    """The reports, where they were merged into, and what was merged into them, by id.

    Raises Report.DoesNotExist for one of the ids, WrongState if somebody merged one of them meanwhile.
    """
    tree = Q(pk__in=ids) | Q(merged_into__in=ids) | Q(merged__in=ids)
    found = {one.pk: one for one in lock_all(Report.objects.filter(pk__in=_numbers(tree)))}
    missing = [one for one in ids if one not in found]
    if missing:
        raise Report.DoesNotExist(f"There is no report {missing[0]}.")
    if set(_numbers(tree)) - found.keys():
        raise WrongState(AT_ONCE)
    return found


def _numbers(tree: Q) -> list[int]:
    return list(Report.objects.filter(tree).order_by().values_list("pk", flat=True).distinct())
