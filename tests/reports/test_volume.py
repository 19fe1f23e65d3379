"""Loading published sets: Boston's rows as its file has them."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from reports.models import Report, StatusChange, Waiting
from reports.volume import sets

pytestmark = pytest.mark.django_db

CLOSED = {
    "service_request_id": "101000000001",
    "status": "closed",
    "service_name": "Sidewalk Not Shoveled",
    "service_code": "4f38920fe75084437f0001ad",
    "description": "Ice\ton the \\ whole corner,\ncall 617-555-0143 or me@example.org",
    "requested_datetime": "2015-02-10T08:00:00-05:00",
    "updated_datetime": "2015-02-11T09:30:00-05:00",
    "address": "1 Example St, Boston",
    "lat": 42.35,
    "long": -71.06,
    "status_notes": "Case Closed. Case Resolved. clear.",
    "has_media": False,
}
OPEN = CLOSED | {"service_request_id": "101000000002", "status": "open", "service_name": "Other", "status_notes": None}


@pytest.fixture
def boston(tmp_path):
    """Writes rows as the set's file; returns what to load them with."""
    pyarrow = pytest.importorskip("pyarrow", reason="the sets are Parquet")
    from pyarrow import parquet

    def write(*rows):
        parquet.write_table(pyarrow.Table.from_pylist(list(rows)), tmp_path / "boston311.parquet")
        return {"data": tmp_path, "batch_size": 1, "verbosity": 0}

    return write


def test_a_closed_report_comes_with_its_history_and_without_contacts(boston, capsys):
    call_command("load_reports", **boston(CLOSED, OPEN))
    report = Report.objects.get(external_ref="boston:101000000001")
    assert (report.status, report.category_id, report.department_id) == ("resolved", "snow_ice", "public_works")
    assert report.description == "Ice\ton the \\ whole corner,\ncall [phone] or [e-mail]"
    assert report.reported_at == datetime(2015, 2, 10, 13, tzinfo=UTC)
    assert report.closed_at == report.updated_at == datetime(2015, 2, 11, 14, 30, tzinfo=UTC)
    assert [(change.from_status, change.to_status, change.note) for change in report.history.all()] == [
        ("", "received", ""),
        ("received", "resolved", "Case Closed. Case Resolved. clear."),
    ]
    assert Report.objects.get(external_ref="boston:101000000002").closed_at is None
    assert not Waiting.objects.exists()
    assert "2 reports read, 2 new" in capsys.readouterr().out


def test_a_load_goes_on_where_it_was_stopped(boston, capsys):
    call_command("load_reports", **boston(CLOSED))
    call_command("load_reports", **boston(CLOSED, OPEN, OPEN))
    assert "3 reports read, 1 new" in capsys.readouterr().out
    assert (Report.objects.count(), StatusChange.objects.count()) == (2, 3)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="boston311.parquet"):
        call_command("load_reports", data=tmp_path)


def test_each_set_has_its_words():
    told = {"lat": 1.0, "lng": 2.0, "description": None, "coarse_category": "tree", "status": "Open", "summary": "Limb"}
    haven = sets.new_haven(told | {"created_at": "2015-06-30T23:52:17-04:00"})
    assert (haven.category, haven.status, haven.title, haven.description) == ("tree", "received", "Limb", "")
    atlanta = sets.atlanta(
        told | {"id": 5, "created_at": "09/23/2013 - 09:05am", "updated_at_raw": "2013-09-23T09:00:00-04:00",
                "address": None, "vote_count": 3, "coarse_category": None}
    )  # fmt: skip
    assert atlanta.reported_at == atlanta.updated_at == datetime(2013, 9, 23, 13, 5, tzinfo=UTC)
    assert (atlanta.external_ref, atlanta.category, atlanta.confirmations) == ("atlanta:5", "other", 3)
    york = sets.new_york(
        {"ID": 7, "Title": None, "Description": None, "Latitude": 1.0, "Longitude": 2.0, "Address": None,
         "Status": "in progress", "Date Created": 0, "Num Of Supporters": 0, "coarse_category": None}
    )  # fmt: skip
    assert (york.title, york.status, york.reported_at) == ("Report", "in_progress", datetime(1970, 1, 1, tzinfo=UTC))
