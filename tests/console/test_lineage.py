"""The page of a value says where it comes from, the page of a feature set who uses it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from django.urls import reverse

from features.intake.ingest import ingest
from features.models import FeatureHistory, FeatureSetVersion, FeatureValue, RawEvent
from features.values.materialize import refresh
from tests.makers import watered

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def panels(browser, row) -> dict:
    url = reverse(f"admin:features_{row._meta.model_name}_change", args=[row.pk])
    answer = browser.get(url)
    assert answer.status_code == 200
    return {panel.title: panel for panel in (*answer.context["panels"], *answer.context.get("side_panels", []))}


def test_a_value_shows_the_rows_it_saw(staff):
    ingest([watered("a", days_ago=2, now=NOW), watered("a", days_ago=1, now=NOW)], refresh=False)
    refresh("plot", ["a"])
    shown = panels(staff("operator"), FeatureValue.objects.get(feature_set__name="plot_care"))
    rows = shown["The rows it saw"].rows
    events = RawEvent.objects.order_by("event_time")
    assert [str(event.pk) in row[0] for event, row in zip(events, rows, strict=True)] == [True, True]
    facts = dict(shown["Source rows"].rows)
    assert facts["Seen"] == "2" and "the same" in facts["Computed again"] and len(facts["SHA-256"]) > 64


def test_an_old_value_that_was_changed_shows_what_differs(staff):
    ingest([watered("a", days_ago=2, litres=3, now=NOW)], refresh=False)
    refresh("plot", ["a"])
    FeatureHistory.objects.filter(feature_set__name="plot_care").update(vals={"litres": 99})
    shown = panels(staff("analyst"), FeatureHistory.objects.get(feature_set__name="plot_care"))
    assert ("<code>litres</code>", 99, 3) in shown["What differs"].rows


def test_a_value_of_too_many_rows_is_still_shown(staff, monkeypatch):
    ingest([watered("a", now=NOW)], refresh=False)
    refresh("plot", ["a"])

    def too_slow(*_, **__):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr("features.admin.lineage.lineage", too_slow)
    shown = panels(staff("analyst"), FeatureValue.objects.get(feature_set__name="plot_care"))
    assert shown["Source rows"].text.startswith("There are more")


@pytest.mark.parametrize("name", ["plot_care", "plot_rhythm", "plot_rows", "plot_gaps", "core_behavioral"])
def test_every_set_has_a_page_with_its_users(staff, name):
    ingest([watered("a", now=NOW)], refresh=False)
    refresh("plot", ["a"])
    shown = panels(staff("analyst"), FeatureSetVersion.objects.get(name=name))
    users = [row[0] for row in shown["Used by"].rows]
    assert users == {
        "plot_care": ["<code>garden.almanac</code>"],
        "plot_rows": ["<code>garden.almanac</code>"],
        "core_behavioral": ["<code>loans.scorecard</code>"],
    }.get(name, [])
    facts = dict(shown[f"{name}@v1"].rows)
    assert facts["Versions"] == "v1"
    assert facts["Older than that"] == ("" if name == "core_behavioral" else "0.0% of the values")
