"""Quality in the console: what a set's page shows, and the buttons that act on alerts and versions."""

import pytest
from django.urls import reverse

from features.models import FeatureSetVersion, QualityAlert
from tasks.models import Task
from tests.console.conftest import told
from tests.features.test_quality import drifting

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(redis):
    for day in (0, 1):
        drifting(day)
    return QualityAlert.objects.get()


def set_page(name, version="v1"):
    row = FeatureSetVersion.objects.get(name=name, version=version)
    return f"/admin/features/featuresetversion/{row.pk}/"


def test_a_sets_page_shows_figures_and_how_the_worst_came_there(staff, alert):
    text = staff("analyst").get(set_page("plot_care") + "change/").content.decode()
    for words in ("Quality, measured 2026-06-16", "drifted", "PSI of litres", "litres, by the reference"):
        assert words in text
    assert "Not measured yet" in staff("analyst").get(set_page("plot_gaps") + "change/").content.decode()


def test_the_dashboard_counts_what_drifted(staff, alert):
    numbers = {panel.title: panel for panel in staff("operator").get("/admin/").context["numbers"]}
    assert numbers["Drift"].value == "1"


def test_an_alert_is_read_and_acknowledged_with_a_reason(staff, alert):
    operator, page = staff("operator"), reverse("admin:features_qualityalert_change", args=[alert.pk])
    assert "litres" in operator.get(page).content.decode()
    ask = page.replace("change/", "acknowledge/")
    assert operator.post(ask, {"reason": ""}).status_code == 200
    operator.post(ask, {"reason": "a new tariff"})
    alert.refresh_from_db()
    assert (alert.reason, alert.acknowledged_by) == ("a new tariff", f"user:{operator.person.pk}")
    assert staff("analyst").post(ask, {"reason": "x"}).status_code == 403


def test_measuring_comparing_and_promoting_by_buttons(staff, redis):
    operator, page = staff("operator"), set_page("plot_drafts", "v2")
    operator.post(page + "measure/", {"reason": ""})
    operator.post(page + "compare/", {"other": "plot_drafts@v1", "sample": 5, "reason": ""})
    names = set(Task.objects.values_list("name", flat=True))
    assert names == {"features.snapshot_quality", "features.compare_definitions"}
    refused = operator.post(page + "compare/", {"other": "nope@v1", "sample": 5, "reason": ""}, follow=True)
    assert "No feature set is called" in told(refused)[-1]
    shown = operator.get(page + "change/").content.decode()
    assert "button-promote" in shown and "only when it is named" in shown
    operator.post(page + "promote/", {"reason": "compared"})
    shown = operator.get(page + "change/").content.decode()
    assert "button-withdraw" in shown and "when no version is named" in shown
    assert "button-promote" not in operator.get(set_page("plot_care") + "change/").content.decode()
    period = {"since": "2026-01-01 00:00", "until": "2026-01-02 00:00", "reason": "x"}
    assert "No snapshot" in told(operator.post(page + "reference/", period, follow=True))[-1]
