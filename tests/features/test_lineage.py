"""Every stored value can be traced: to its definition, the rows it saw, whether they give it again, and its task."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from features import services
from features.intake.ingest import ingest
from features.lineage.trace import NothingStored
from features.models import FeatureHistory, RawEvent
from features.tasks import compute_features
from features.values.materialize import refresh
from tasks.execution import run_task
from tests import makers
from tests.garden.features import PlotCare, PlotGaps, PlotHarvest, PlotRows
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db


def day(number: int):
    return NOON - timedelta(days=number)


def newest_recorded(*, hours: int) -> None:
    """Let the newest event look recorded so much later than now: a test is one transaction, and so one time."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE raw_events DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE raw_events SET recorded_at = clock_timestamp() + make_interval(hours => %s) "
            "WHERE id = (SELECT max(id) FROM raw_events)",
            [hours],
        )
        cursor.execute("ALTER TABLE raw_events ENABLE TRIGGER USER")


def test_a_value_names_the_rows_it_saw():
    ingest([watered(days_ago=3, litres=2), watered(days_ago=1, litres="3.50"), watered(plot="b")], refresh=False)
    refresh("plot", ["a"])
    found = services.lineage(PlotCare, "a")
    first, last = RawEvent.objects.filter(entity_id="a").order_by("id")
    assert found.seen.count == found.stored.source_rows == 2 and found.seen.exact
    assert (found.seen.first_id, found.seen.last_id) == (str(first.pk), str(last.pk))
    assert (found.seen.first_event_time, found.seen.last_event_time) == (day(3), day(1))
    assert [(row.id, row.source_id, row.value) for row in found.seen.rows] == [
        (str(row.pk), row.source_id, row.value) for row in (first, last)
    ]
    assert found.reproduction.reproduces is True and found.late.count == 0 and found.corrected is None


def test_the_hash_can_be_computed_by_anybody():
    ingest([watered(days_ago=3, litres=2), watered(days_ago=1, litres="3.50", moisture="0.10")], refresh=False)
    refresh("plot", ["a"])
    digests = b""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, source, source_id, event_time, value::text, payload::text FROM raw_events ORDER BY id"
        )
        for number, source, source_id, at, value, payload in cursor.fetchall():
            told = [number, source, source_id, f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", value, payload]
            digests += hashlib.sha256(json.dumps(told).encode()).digest()
    assert services.lineage(PlotCare, "a").seen.sha256 == hashlib.sha256(digests).hexdigest()


def test_rows_after_the_as_of_time_are_not_seen():
    ingest([watered(days_ago=5), watered(days_ago=1)], refresh=False)
    refresh("plot", ["a"], as_of=day(3))
    refresh("plot", ["a"])
    assert services.lineage(PlotCare, "a", as_of=day(2)).seen.count == 1
    assert services.lineage(PlotCare, "a", as_of=day(2)).stored.as_of == day(3)
    assert services.lineage(PlotCare, "a").seen.count == 2


def test_a_set_of_some_event_types_sees_only_those():
    ingest([watered(), harvested(), harvested()], refresh=False)
    refresh("plot", ["a"])
    found = services.lineage(PlotHarvest, "a")
    assert found.seen.count == found.stored.source_rows == 2
    assert {row.event_type for row in found.seen.rows} == {"garden.harvested"}


def test_a_late_row_is_named_and_the_value_served_before_it_stays_reproducible():
    ingest([watered(days_ago=20)], refresh=False)
    refresh("plot", ["a"], as_of=day(5))
    refresh("plot", ["a"])
    served = FeatureHistory.objects.get(feature_set__name="plot_care", as_of=day(5))
    ingest([watered(days_ago=10, litres=7, source_id="late")], refresh=False)
    newest_recorded(hours=0)
    refresh("plot", ["a"])
    before = services.lineage(PlotCare, "a", as_of=day(5), known_at=served.computed_at)
    assert before.stored.values()["litres"] == 10 and before.seen.count == 1 and before.seen.exact
    assert before.reproduction.reproduces is True
    assert [row.source_id for row in before.late.rows] == ["late"] and before.late.count == 1
    assert before.corrected.values()["litres"] == 17 and before.corrected.as_of == day(5)
    after = services.lineage(PlotCare, "a", as_of=day(5))
    assert after.stored.values()["litres"] == 17 and after.seen.count == 2 and after.seen.exact
    assert after.reproduction.reproduces is True and after.late.count == 0 and after.corrected is None


def test_a_row_recorded_before_but_seen_by_nobody_is_told_as_inexact():
    """It stands for a transaction that began before the computation and committed after it."""
    ingest([watered(days_ago=2)], refresh=False)
    refresh("plot", ["a"])
    ingest([watered(days_ago=1, litres=4)], refresh=False)
    newest_recorded(hours=-1)
    found = services.lineage(PlotCare, "a")
    assert found.seen.count == 2 and found.stored.source_rows == 1 and found.seen.exact is False
    assert found.reproduction.reproduces is False
    assert json.loads(found.reproduction.differs)["litres"] == {"stored": 10, "recomputed": 14}


def test_a_value_changed_by_hand_does_not_reproduce():
    ingest([watered(litres=3)], refresh=False)
    refresh("plot", ["a"])
    FeatureHistory.objects.filter(feature_set__name="plot_care").update(vals={"litres": 99})
    found = services.lineage(PlotCare, "a")
    assert found.seen.exact and found.reproduction.reproduces is False
    assert json.loads(found.reproduction.differs)["litres"] == {"stored": 99, "recomputed": 3}


@pytest.mark.parametrize("feature_set", [PlotRows, PlotGaps])
def test_rows_of_a_model_and_python_functions_have_a_lineage_too(feature_set):
    ingest([watered(days_ago=2, moisture="0.4"), watered(days_ago=1), harvested()], refresh=False)
    refresh("plot", ["a"])
    found = services.lineage(feature_set, "a")
    assert found.seen.count == found.stored.source_rows == 3 and found.seen.exact
    assert found.reproduction.reproduces is True
    assert [row.event_time for row in found.seen.rows] == [day(2), day(1), NOON]


def test_a_function_that_raises_now_is_told(monkeypatch):
    ingest([watered()], refresh=False)
    refresh("plot", ["a"])
    monkeypatch.setattr("features.language.functions.Computed.compute", lambda *_: 1 / 0)
    found = services.lineage(PlotGaps, "a")
    assert found.reproduction.reproduces is None and "ZeroDivisionError" in found.reproduction.error


def test_the_task_and_its_attempts_are_named():
    ingest([watered()], refresh=False)
    names = {"entity_type": "plot", "entity_id": "a", "feature_set": "plot_care", "feature_version": "v1"}
    task_id = compute_features.enqueue(**names).id
    run_task(task_id)
    found = services.lineage(PlotCare, "a")
    assert str(found.task.pk) == found.stored.task_id == task_id
    assert [(one.number, one.outcome) for one in found.task.attempts.all()] == [(1, "completed")]


def test_rows_come_in_pages_of_a_hundred():
    ingest([watered(days_ago=number / 10) for number in range(250)], refresh=False)
    refresh("plot", ["a"])
    pages = [services.lineage(PlotCare, "a", offset=offset).seen for offset in (0, 100, 200)]
    assert [len(page.rows) for page in pages] == [100, 100, 50]
    assert [page.next_offset for page in pages] == [100, 200, None]
    assert len({row.id for page in pages for row in page.rows}) == 250
    assert len({page.sha256 for page in pages}) == 1


def test_what_was_never_stored_has_no_lineage():
    with pytest.raises(NothingStored):
        services.lineage(PlotCare, "nobody")


def test_the_api_tells_it_all():
    ingest([watered(days_ago=1, litres="2.50", gardener="Ada")], refresh=False)
    refresh("plot", ["a"])
    analyst = makers.client(makers.user("analyst"))
    answer = analyst.get("/api/v1/features/lineage", {"feature": "plot_care@v1:litres", "entity_id": "a"})
    told = answer.json()
    assert answer.status_code == 200 and told["feature_value"] == 2.5 and told["value"]["vals"]["events"] == 1
    assert told["reproduces"] is True and told["differs"] == {} and told["task"] is None
    assert told["source_rows"]["exact"] is True and told["source_rows"]["rows"][0]["payload"]["gardener"] == "Ada"
    assert told["definition"]["checksum"] == PlotCare.checksum()
    assert {"table": "raw_events", "name": "value", "use": "value"} in told["definition"]["columns"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"feature": "plot_care@v1:litres", "entity_id": "nobody"}, 404),
        ({"feature": "plot_care@v9:litres", "entity_id": "a"}, 400),
        ({"feature": "plot_care@v1:litres"}, 400),
        ({"feature": "plot_care@v1:litres", "entity_id": "a", "as_of": "yesterday"}, 400),
        ({"feature": "plot_care@v1:litres", "entity_id": "a", "asof": "2026-01-01T00:00:00Z"}, 400),
        ({"feature": "plot_care@v1:litres", "entity_id": "a", "offset": "-1"}, 400),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(query, status):
    answer = makers.client(makers.user("auditor")).get("/api/v1/features/lineage", query)
    assert answer.status_code == status and answer["Content-Type"] == "application/problem+json"


def test_sets_tell_coverage_freshness_and_users():
    ingest([watered(), watered(plot="b")], refresh=False)
    refresh("plot", ["a"])
    old = timezone.now() - timedelta(days=3)
    refresh("plot", ["b"], as_of=old)
    told = makers.client(makers.user("service")).get("/api/v1/features/sets/").json()
    care = next(each for each in told if each["feature_set"] == "plot_care")
    assert care["coverage"]["coverage_percent"] == 100 and care["coverage"]["total"] == 2
    assert care["freshness"]["old"] == 0.5 and care["freshness"]["exact"] is True
    assert care["freshness"]["oldest_as_of"] == old.isoformat().replace("+00:00", "Z")
    assert care["used_by"] == [{"name": "garden.almanac", "kind": "report", "description": "When to water"}]
    assert care["versions"] == ["v1"] and care["owner"] == "gardeners" and care["checksum"] == PlotCare.checksum()


def test_freshness_of_very_many_values_is_estimated(monkeypatch):
    ingest([watered(plot=str(number)) for number in range(50)], refresh=False)
    refresh("plot", [str(number) for number in range(50)])
    monkeypatch.setattr("features.lineage.overview.LOOKED_AT", 249)
    [told] = services.described(PlotCare)
    assert told["freshness"]["exact"] is False and told["freshness"]["old"] in (0.0, None)


def test_one_set_tells_its_definition_and_columns():
    auditor = makers.client(makers.user("auditor"))
    told = auditor.get("/api/v1/features/sets/plot_rows@v1").json()
    assert told["definition"] == PlotRows.definition()
    assert {"table": "raw_events", "name": "payload", "use": "value"} in told["columns"]["last_gardener"]
    assert {"table": "raw_events", "name": "entity_type", "use": "filter"} in told["columns"]["events"]
    assert auditor.get("/api/v1/features/sets/plot_rows").status_code == 404
    assert auditor.get("/api/v1/features/sets/plot_rows@v9").status_code == 404
