"""What is known of neighbourhoods and residents."""

from datetime import timedelta

import pytest

from features.services import stored_sets
from features.values.materialize import refresh
from reports import happenings
from reports.features import PlaceTrouble, ReporterConduct
from reports.filing.services import change_status, file_report
from reports.models import Report, StatusChange
from reports.places import area_of
from tests.makers import NOON, happening
from tests.reports.conftest import POTHOLE, tell


def told(report_id, *, days_ago, category="tree"):
    report = Report(
        id=report_id, latitude=0, longitude=0, cell="892a306638fffff", severity="low", category_id=category,
        reporter_id=7, reported_at=NOON - timedelta(days=days_ago),
    )  # fmt: skip
    return report, happenings.filed(report)


def moved(report, to, *, days_ago, was="received", number=1):
    step = StatusChange(id=number, from_status=was, to_status=to, at=NOON - timedelta(days=days_ago))
    return happenings.moved(report, step)


def test_trouble_of_a_place_is_what_its_reports_tell():
    first, events = told(1, days_ago=40)
    second, more = told(2, days_ago=3, category="noise")
    events += more + told(3, days_ago=-1)[1]
    events += moved(first, "resolved", days_ago=38) + moved(second, "rejected", days_ago=2, number=2)
    events += moved(first, "in_progress", was="resolved", days_ago=1, number=3)
    of_place = [happening(event, n) for n, event in enumerate(events) if event.event_type.startswith("reports.")]
    known = PlaceTrouble.compute(of_place, NOON)
    assert (known["reports_7d"], known["reports_30d"], known["reports_90d"]) == (1, 1, 2)
    assert (known["categories_30d"], known["open_now"], known["resolved_30d"]) == (1, 1, 0)
    assert known["resolve_hours_median_90d"] == 48.0
    own = [happening(event, n) for n, event in enumerate(events) if event.event_type.startswith("reporters.")]
    conduct = ReporterConduct.compute(own, NOON)
    assert (conduct["filed_all"], conduct["rejected_share"], conduct["hours_since_last"]) == (2, 0.5, 72.0)


@pytest.mark.django_db
def test_filed_reports_are_known_of_their_place_and_who_filed_them(redis, resident):
    report = file_report(by=resident, **POTHOLE)
    tell()
    change_status(report=report, to="resolved", by=None)
    area = area_of(report.cell)
    refresh("place", [area])
    refresh("reporter", [str(resident.pk)])
    assert stored_sets([PlaceTrouble], area)[PlaceTrouble].values()["open_now"] == 0
    assert stored_sets([ReporterConduct], str(resident.pk))[ReporterConduct].values()["resolved_all"] == 1
