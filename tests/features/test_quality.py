"""Snapshots of what is stored, what they are held against, and alerts that open once and close again."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from features.catalogue import set_id
from features.intake.ingest import ingest
from features.models import FeatureSetVersion, FeatureValue
from features.quality import drift
from features.quality.alerts import AlreadyHandled, acknowledge_alert
from features.quality.models import QualityAlert, QualityReference, QualitySnapshot
from features.quality.references import NothingToTake, take_reference
from features.quality.snapshots import clean, take_snapshot
from features.values import counts
from features.values.materialize import refresh
from tasks.models import Task
from tests import makers
from tests.garden.features import PlotCare, PlotGaps, PlotRhythm
from tests.makers import NOON, watered

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def store(feature_set, rows):
    """These values, one entity each, instead of what was stored."""
    number, now = set_id(feature_set), timezone.now()
    FeatureValue.objects.filter(feature_set=number).delete()
    found = [
        FeatureValue(feature_set_id=number, entity_id=f"plot-{place}", as_of=NOON, computed_at=now, source_rows=1,
                     vals={name: None for name in feature_set.features} | values)
        for place, values in enumerate(rows)
    ]  # fmt: skip
    FeatureValue.objects.bulk_create(found)
    counts.add(f"values:{number}", len(found) - counts.read().get(f"values:{number}", 0))


def snapshot(feature_set, now=NOON):
    taken, _ = take_snapshot(feature_set, now=now)
    return {row.feature: row for row in taken}


def litres(feature_set, values, now=NOON):
    store(feature_set, [{"litres": value} for value in values])
    return snapshot(feature_set, now)["litres"]


def test_figures_of_a_number_are_those_of_its_values():
    row = litres(PlotCare, [*range(100), None, None])
    assert (row.n, row.entities, row.nulls, row.distinct) == (102, 102, 2, 100)
    assert (row.minimum, row.maximum, row.mean) == (0, 99, 49.5)
    assert row.stddev == pytest.approx(29.0115)
    assert row.deciles == [9, 19, 29, 39, 49, 59, 69, 79, 89]
    assert sorted(row.sample) == list(range(100)) and row.counts == [9, 10, 10, 10, 10, 10, 10, 10, 10, 11]
    assert (row.psi, row.ks, row.level) == (None, None, "no_reference")


@pytest.mark.parametrize("strange", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_is_a_violation_and_in_no_statistic(strange):
    row = litres(PlotCare, [1, 2, strange, None])
    assert (row.n, row.nulls, row.range_violations) == (4, 1, 1)
    assert (row.minimum, row.maximum, row.mean) == (1, 2, 1.5)


def test_huge_and_tiny_numbers_break_nothing():
    number = set_id(PlotCare)
    store(PlotCare, [{}] * 4)
    with connection.cursor() as cursor:
        for place, text in enumerate(["1e300", "1e-400", "-7", "1e130"]):
            cursor.execute(
                "UPDATE model_features SET vals = vals || jsonb_build_object('litres', %s::numeric) "
                "WHERE feature_set_id = %s AND entity_id = %s",
                [text, number, f"plot-{place}"],
            )
    row = snapshot(PlotCare)["litres"]
    assert (row.minimum, float(row.maximum), row.range_violations) == (-7, 1e130, 1)


def test_values_outside_the_expected_range_are_counted():
    store(PlotRhythm, [{"events_7d": value} for value in (0, 50, 100, 101, -1, None)])
    assert snapshot(PlotRhythm)["events_7d"].range_violations == 2


def test_times_are_measured_by_their_age():
    store(PlotRhythm, [{"last_watered": (NOON - timedelta(hours=n)).isoformat()} for n in (1, 2, 3)])
    row = snapshot(PlotRhythm)["last_watered"]
    assert (row.minimum, row.mean, row.maximum) == (3600, 7200, 10_800)


def test_words_are_counted_when_enough_entities_share_them():
    store(PlotRhythm, [{"last_gardener": name} for name in ["Ada"] * 7 + ["Bo"] * 5 + ["Cy"] * 4 + [None] * 3])
    row = snapshot(PlotRhythm)["last_gardener"]
    assert row.words == {"Ada": 7, "Bo": 5}
    assert (row.n, row.nulls, row.distinct, row.sample) == (19, 3, 3, [])


def test_every_feature_of_real_values_has_a_row():
    now = timezone.now()
    ingest([watered(f"plot-{n}", litres=n, now=now, days_ago=n / 10, gardener="Ada") for n in range(30)], refresh=False)
    refresh("plot", [f"plot-{n}" for n in range(30)])
    for feature_set in (PlotCare, PlotRhythm, PlotGaps):
        taken = snapshot(feature_set, now)
        assert set(taken) == set(feature_set.features)
        assert {row.n for row in taken.values()} == {30}
    assert snapshot(PlotCare, now)["litres"].maximum == 29


def test_a_set_without_values_has_no_snapshot():
    assert snapshot(PlotCare) == {}


def test_more_entities_than_are_looked_at_are_sampled_and_it_is_said(monkeypatch):
    monkeypatch.setattr("features.quality.measure.ENTITIES", 500)
    row = litres(PlotCare, range(3_000))
    assert row.entities == 3_000 and 0 < row.n < 3_000


def test_the_first_week_is_the_reference_and_then_it_stays():
    assert litres(PlotCare, range(300)).level == "no_reference"
    second = litres(PlotCare, range(300), NOON + DAY)
    assert (second.level, second.psi, second.ks) == ("steady", 0, 0)
    third = litres(PlotCare, range(1_000, 1_300), NOON + 2 * DAY)
    assert third.level == "drifted" and third.ks == 1 and third.psi > 1
    later = litres(PlotCare, range(300), NOON + 30 * DAY)
    reference = QualityReference.objects.get(feature="litres")
    assert reference.snapshots == 3 and reference.until == NOON + 7 * DAY and reference.n == 900
    litres(PlotCare, range(5_000, 5_300), NOON + 31 * DAY)
    assert QualityReference.objects.get(feature="litres").sample == reference.sample
    assert later.reference_n == len(reference.sample)


def test_psi_and_ks_of_a_snapshot_are_those_of_the_values():
    before, now = [n % 97 for n in range(900)], [(n % 97) * 1.2 for n in range(900)]
    litres(PlotCare, before)
    row = litres(PlotCare, now, NOON + DAY)
    begins = drift.edges(before)
    assert row.counts == drift.histogram(now, begins)
    assert row.psi == pytest.approx(drift.psi(drift.histogram(before, begins), drift.histogram(now, begins)))
    assert row.ks == pytest.approx(drift.ks(before, now))


def test_words_drift_too():
    store(PlotRhythm, [{"last_gardener": "Ada" if n % 2 else "Bo"} for n in range(400)])
    assert snapshot(PlotRhythm)["last_gardener"].level == "no_reference"
    same = snapshot(PlotRhythm, NOON + DAY)["last_gardener"]
    assert (same.level, same.psi, same.reference_n, same.ks) == ("steady", 0, 400, None)
    store(PlotRhythm, [{"last_gardener": "Ada" if n % 10 else "Newcomer"} for n in range(400)])
    assert snapshot(PlotRhythm, NOON + 2 * DAY)["last_gardener"].level == "drifted"


def test_too_few_values_raise_no_alarm():
    litres(PlotCare, range(150))
    row = litres(PlotCare, range(9_000, 9_150), NOON + DAY)
    assert row.level == "too_few" and row.psi > 1
    assert not QualityAlert.objects.exists()


def test_an_operator_chooses_another_reference():
    row = FeatureSetVersion.objects.get(pk=set_id(PlotCare))
    litres(PlotCare, range(300))
    litres(PlotCare, range(1_000, 1_300), NOON + 20 * DAY)
    taken = take_reference(row=row, since=NOON + 19 * DAY, until=NOON + 21 * DAY, reason="new tariff")
    assert taken == len(PlotCare.features)
    assert litres(PlotCare, range(1_000, 1_300), NOON + 22 * DAY).level == "steady"
    assert Entry.objects.get(action="quality_reference_taken").metadata["reason"] == "new tariff"
    with pytest.raises(NothingToTake):
        take_reference(row=row, since=NOON + 100 * DAY, until=NOON + 101 * DAY, reason="x")


def drifting(day):
    """Steady on the first day and on even days, far off on odd ones."""
    return litres(PlotCare, range(300) if day % 2 == 0 else range(5_000, 5_300), NOON + day * DAY)


def test_an_alert_is_opened_once_while_it_lasts_and_closed_when_it_is_over():
    for day in (0, 1):
        drifting(day)
    first = QualityAlert.objects.get(kind="drift")
    assert (first.feature, first.threshold, first.n, first.closed_at) == ("litres", 0.25, 300, None)
    drifting(3)
    again = QualityAlert.objects.get(kind="drift")
    assert again.pk == first.pk and again.seen_at == NOON + 3 * DAY and again.opened_at == NOON + DAY
    row = FeatureSetVersion.objects.get(pk=set_id(PlotCare))
    take_reference(row=row, since=NOON, until=NOON, reason="the first day alone")
    drifting(4)
    assert QualityAlert.objects.get(kind="drift").closed_at == NOON + 4 * DAY
    drifting(5)
    assert QualityAlert.objects.filter(kind="drift", closed_at=None).count() == 1
    actions = list(Entry.objects.filter(entity_type="quality_alert").order_by("id").values_list("action", flat=True))
    assert [a for a in actions if "closed" in a or "opened" in a][-3:] == [
        "quality_alert_opened", "quality_alert_closed", "quality_alert_opened"]  # fmt: skip


def test_more_nulls_than_before_and_values_out_of_range_are_alerts():
    store(PlotRhythm, [{"events_7d": 5, "events_30d": 5}] * 300)
    snapshot(PlotRhythm)
    store(PlotRhythm, [{"events_7d": 500, "events_30d": 5}] * 250 + [{"events_7d": 5}] * 50)
    snapshot(PlotRhythm, NOON + DAY)
    nulls = QualityAlert.objects.get(kind="nulls")
    assert (nulls.feature, nulls.n, nulls.value) == ("events_30d", 300, pytest.approx(1 / 6))
    outside = QualityAlert.objects.get(kind="range")
    assert (outside.feature, outside.value) == ("events_7d", pytest.approx(250 / 300))


def test_events_that_wait_too_long_are_an_alert_of_the_whole_set():
    litres(PlotCare, range(300))
    ingest([watered(f"plot-{n}") for n in range(60)], refresh=False)
    assert snapshot(PlotCare)["litres"].stale == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE features_staleentity SET since = now() - interval '2 days'")
    assert snapshot(PlotCare)["litres"].stale == 60
    alert = QualityAlert.objects.get(kind="stale")
    assert (alert.feature, alert.value) == ("", 0.2)


def test_an_alert_is_acknowledged_once_and_with_a_reason():
    for day in (0, 1):
        drifting(day)
    alert = QualityAlert.objects.get()
    seen = acknowledge_alert(alert_id=alert.pk, reason="a new tariff")
    assert seen.reason == "a new tariff" and seen.acknowledged_at and seen.closed_at is None
    assert Entry.objects.get(action="quality_alert_acknowledged").metadata["reason"] == "a new tariff"
    with pytest.raises(AlreadyHandled):
        acknowledge_alert(alert_id=alert.pk, reason="again")


def test_old_samples_and_very_old_rows_go():
    litres(PlotCare, range(300))
    clean(NOON + 91 * DAY)
    row = QualitySnapshot.objects.get(feature="litres")
    assert row.sample == [] and row.dropped and row.mean == 149.5
    assert clean(NOON + 401 * DAY) == len(PlotCare.features)


# As a task, over HTTP, on a webhook


@pytest.fixture
def operator(redis):
    return makers.client(makers.user("operator"))


def test_the_task_measures_all_sets_and_tells_of_each_alert_by_a_task(operator):
    from tasks.testing import run_due

    asked = operator.post("/api/v1/features/quality/snapshot", {}, format="json")
    assert asked.status_code == 202 and asked["Location"].endswith(asked.json()["task_id"])
    assert operator.post("/api/v1/features/quality/snapshot", {}, format="json").json() == asked.json()
    store(PlotCare, [{"litres": n} for n in range(300)])
    run_due()
    done = Task.objects.get(pk=asked.json()["task_id"])
    assert done.status == "completed" and done.result["features"] == len(PlotCare.features), done.error_traceback
    store(PlotCare, [{"litres": n} for n in range(5_000, 5_300)])
    hook = operator.post("/api/v1/webhooks/", {"url": "http://127.0.0.1:9/x", "states": ["completed"],
                         "task_names": ["features.report_quality_alert"]}, format="json")  # fmt: skip
    assert hook.status_code == 201
    operator.post("/api/v1/features/quality/snapshot", {"feature_set": "plot_care@v1"}, format="json")
    run_due()
    alert = QualityAlert.objects.get()
    told = Task.objects.get(pk=alert.task_id)
    assert (told.name, told.status, told.subject_id) == ("features.report_quality_alert", "completed", str(alert.pk))
    assert (told.result["kind"], told.result["feature"], told.result["version"]) == ("drift", "litres", "v1")
    from tasks.models import Delivery

    assert Delivery.objects.get(task=told).event == "task.completed"


def test_figures_history_and_alerts_over_http(operator):
    for day in (0, 1):
        drifting(day)
    analyst = makers.client(makers.user("analyst"))
    rows = analyst.get("/api/v1/features/quality?feature_set=plot_care").json()
    assert {row["feature"] for row in rows} == set(PlotCare.features)
    [row] = analyst.get("/api/v1/features/quality?level=drifted").json()
    assert (row["feature"], row["level"], row["n"], row["reference_n"], row["sampled"]) == (
        "litres", "drifted", 300, 300, False)  # fmt: skip
    history = analyst.get("/api/v1/features/quality/plot_care@v1/litres?limit=1").json()
    assert len(history["results"]) == 1 and history["next"]
    [alert] = analyst.get("/api/v1/features/quality/alerts?state=open&kind=drift&feature_set=plot_care").json()[
        "results"
    ]
    address = f"/api/v1/features/quality/alerts/{alert['id']}/acknowledge"
    assert analyst.post(address, {"reason": "x"}, format="json").status_code == 403
    assert operator.post(address, {}, format="json").status_code == 400
    assert operator.post(address, {"reason": "known"}, format="json").json()["reason"] == "known"
    assert operator.post(address, {"reason": "known"}, format="json").status_code == 409
    period = {"since": (NOON - DAY).isoformat(), "until": (NOON + 2 * DAY).isoformat(), "reason": "both"}
    taken = operator.post("/api/v1/features/quality/plot_care/reference", period, format="json")
    assert taken.json() == {"features": len(PlotCare.features)}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("quality?colour=red", 400), ("quality?level=bad", 400), ("quality?feature_set=nope", 404),
        ("quality/nope/litres", 404), ("quality/plot_care/nope", 404), ("quality/alerts?state=odd", 400),
        ("quality/alerts?kind=odd", 400),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(operator, path, status):
    answer = operator.get(f"/api/v1/features/{path}")
    assert answer.status_code == status and json.loads(answer.content)["status"] == status
