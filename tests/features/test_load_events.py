"""Events from files: each row once, in bounded memory, and a reason for each row that is none."""

import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from features.intake import eventfiles
from features.models import RawEvent, StaleEntity

pytestmark = pytest.mark.django_db
HEADER = "source,source_id,event_type,entity_id,event_time,litres\n"


def row(number, litres="2.5", when="2026-01-01T00:00:00Z", kind="garden.watered"):
    return f"bank,{number},{kind},plot-{number % 3},{when},{litres}\n"


@pytest.fixture
def csv_file(tmp_path):
    def write(*rows):
        file = tmp_path / "events.csv"
        file.write_text(HEADER + "".join(rows))
        return str(file)

    return write


def test_a_stopped_load_is_continued_by_starting_it_again(csv_file, capsys):
    rows = [row(number) for number in range(8)]
    call_command("load_events", csv_file(*rows[:3]))
    call_command("load_events", csv_file(*rows), batch_size=2)
    assert capsys.readouterr().out.splitlines() == [
        "3 events read, 3 new, 0 known before",
        "8 events read, 5 new, 3 known before",
    ]
    assert str(RawEvent.objects.get(source_id="7").value) == "2.5"
    assert sum(StaleEntity.objects.values_list("events", flat=True)) == 8


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(1, litres="much"), "row 2: litres must be a number"),
        (row(1, when="today"), "row 2: event_time is not a date and time"),
        (row(1, when="2026-02-30T00:00:00Z"), "row 2: event_time is not a date and time"),
        (row(1, kind="garden.burned"), "row 2: type is unknown: no event is called 'garden.burned'"),
        (row(1, kind=""), "row 2: event_type is missing"),
        (row(1, litres="1,2,3"), "row 2: data has more columns than the header"),
        (row(1, litres=""), "row 2: litres is required"),
    ],
)
def test_a_bad_row_is_named_and_left_out_when_asked(csv_file, capsys, bad, reason):
    file = csv_file(row(0), bad, row(2))
    with pytest.raises(CommandError, match=reason.replace("(", "\\(")):
        call_command("load_events", file)
    assert RawEvent.objects.count() == 1
    call_command("load_events", file, "--skip-bad")
    shown = capsys.readouterr()
    assert "2 events read, 1 new, 1 known before, 1 bad rows left out" in shown.out and reason in shown.err


def test_a_file_that_is_no_text_says_where(csv_file, tmp_path):
    file = tmp_path / "events.csv"
    file.write_bytes((HEADER + row(1)).encode() + b"bank,\xff\n")
    with pytest.raises(CommandError, match="after .* bytes"):
        call_command("load_events", str(file))
    assert RawEvent.objects.count() == 1


def test_parquet_is_read_batch_by_batch(tmp_path, monkeypatch, capsys):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    monkeypatch.setattr(eventfiles, "PARQUET_ROWS", 3)
    when = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"source": "bank", "source_id": str(number), "event_type": "garden.watered", "entity_id": "a",
         "event_time": when, "data": json.dumps({"litres": "1.25" if number != 4 else "much"})}
        for number in range(10)
    ]  # fmt: skip
    file = tmp_path / "events.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    call_command("load_events", str(file), "--skip-bad")
    shown = capsys.readouterr()
    assert "9 events read, 9 new" in shown.out and "row 5: litres must be a number" in shown.err
    file.write_bytes(b"PAR1 not")
    with pytest.raises(CommandError):
        call_command("load_events", str(file))
