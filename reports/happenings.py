"""Reports as raw events. Each source id says what it is about, so that telling it twice counts once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from features.services import NewEvent
from reports import events as e
from reports.models import Report, StatusChange
from reports.places import area_of

SOURCE = "reports"
OPEN = {Report.Status.RECEIVED, Report.Status.ACKNOWLEDGED, Report.Status.IN_PROGRESS}
CLOSINGS: dict[str, tuple[Any, Any]] = {
    Report.Status.RESOLVED: (e.ReportResolved, e.ResidentsResolved),
    Report.Status.REJECTED: (e.ReportRejected, e.ResidentsRejected),
    Report.Status.DUPLICATE: (e.ReportMerged, e.ResidentsMerged),
}


def filed(report: Report) -> list[NewEvent]:
    at, name = report.reported_at, f"filed:{report.pk}"
    return _told(report, (e.ReportFiled, e.ResidentFiled), name, at, {}, {"cell": report.cell})


def moved(report: Report, change: StatusChange) -> list[NewEvent]:
    """What a step means; nothing when the report was and stays open."""
    name = f"step:{change.pk}"
    if change.to_status in CLOSINGS:
        hours = max(0.0, (change.at - report.reported_at).total_seconds() / 3600)
        return _told(report, CLOSINGS[change.to_status], name, change.at, {"hours": f"{hours:.4f}"})
    if change.from_status in CLOSINGS:
        return _told(report, (e.ReportReopened, e.ResidentsReopened), name, change.at, {})
    return []


def _told(
    report: Report, kinds: tuple[Any, Any], name: str, at: datetime, more: dict[str, Any], own: Any = None
) -> list[NewEvent]:
    """Of the place, and of the resident when there is one."""
    known = {"report_id": report.pk, "category": report.category_id, "severity": report.severity} | more
    of_place, of_reporter = kinds
    told = [_event(of_place, name, area_of(report.cell), at, known)]
    if report.reporter_id:
        told.append(_event(of_reporter, f"own:{name}", str(report.reporter_id), at, known | (own or {})))
    return told


def _event(kind: Any, name: str, entity_id: str, at: datetime, data: dict[str, Any]) -> NewEvent:
    return NewEvent(source=SOURCE, source_id=name, event_type=kind.name, entity_id=entity_id, event_time=at, data=data)
