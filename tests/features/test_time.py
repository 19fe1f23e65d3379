"""The example of docs/time.md, read from the page and run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection

from features import services
from features.intake.ingest import ingest
from features.models import FeatureHistory
from features.serving.stored import point_in_time
from features.values.materialize import refresh
from tests.garden.features import PlotCare
from tests.makers import watered
from tests.processes import ROOT

pytestmark = pytest.mark.django_db
PAGE = (ROOT / "docs/time.md").read_text()


def table(first: str) -> list[list[str]]:
    """The rows of the page's table whose first header this is."""
    [found] = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.replace("`", "").splitlines()]


def day(text: str) -> datetime:
    return datetime(2026, 6, int(text.removeprefix("day ")), 12, tzinfo=UTC)


def happened(on: str, statement: str, *triggered: str) -> None:
    """Let what the last statements wrote look written on a day of the example."""
    with connection.cursor() as cursor:
        for name in triggered:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute(statement, [day(on)])
        for name in triggered:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")


@pytest.fixture
def the_days():
    """Store and compute as the page says. The value of the first day is computed as of it, before the late event."""
    [in_time, late], [served, renewed, _] = table("recorded"), table("computed")
    arrives(in_time)
    refresh("plot", ["a"], as_of=day(served[1]))
    happened(served[0], "UPDATE model_features_history SET computed_at = %s")
    arrives(late)
    refresh("plot", ["a"])
    happened(renewed[1], "UPDATE model_features_history SET as_of = %s WHERE as_of > '2026-07-01'")
    happened(renewed[0], "UPDATE model_features_history SET computed_at = %s WHERE computed_at > '2026-07-01'")


def arrives(row: list[str]) -> None:
    recorded, name, on, litres = row
    ingest([watered(now=day(on), litres=litres, source_id=name)], refresh=False)
    happened(recorded, "UPDATE raw_events SET recorded_at = %s WHERE recorded_at > '2026-07-01'", "raw_events")


def test_the_history_is_as_the_page_says(the_days):
    stored = FeatureHistory.objects.filter(feature_set__name="plot_care").order_by("pk")
    found = sorted((row.computed_at, row.as_of, row.vals["litres"], row.source_rows) for row in stored)
    told = sorted((day(at), day(of), Decimal(litres), int(rows)) for at, of, litres, rows, _ in table("computed"))
    assert found == told


def test_every_question_has_the_answer_of_the_page(the_days):
    for question, litres in table("question"):
        as_of, *known = re.findall(r"day \d+", question)
        known_at = day(known[0]) if known else None
        if question.startswith("stored"):
            found = services.lineage(PlotCare, "a", as_of=day(as_of), known_at=known_at).stored
        else:
            [found] = point_in_time(PlotCare, [("a", day(as_of))], known_at=known_at)
        assert found.values()["litres"] == Decimal(litres), question


def test_what_was_served_is_reproduced_and_the_late_event_named(the_days):
    before = services.lineage(PlotCare, "a", as_of=day("day 10"), known_at=day("day 11"))
    assert before.seen.exact and before.reproduction.reproduces is True
    assert [row.source_id for row in before.late.rows] == ["w2"]
    assert before.corrected.values()["litres"] == 17
    after = services.lineage(PlotCare, "a", as_of=day("day 10"))
    assert after.seen.count == 2 and after.seen.exact and after.reproduction.reproduces is True
