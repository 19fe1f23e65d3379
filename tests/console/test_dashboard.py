"""Figures on the first page are those of the rows."""

import pytest

from audit.services import seal
from features.ingest import ingest
from features.materialize import refresh
from tasks.statistics import tally
from tests import makers
from tests.console.conftest import ask_for_loan, new_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(staff):
    """The panels an admin sees, by title."""
    boss = staff("admin")

    def look() -> dict:
        page = boss.get("/admin/").context
        return {panel.title: panel for panel in [*page["numbers"], *page["panels"]]}

    return look


def test_tasks(shown):
    for status in ("pending", "pending", "processing", "completed", "failed"):
        new_task(status, **({"error_type": "x.Broken", "error_message": "no gateway"} if status == "failed" else {}))
    tally()
    panels = shown()
    assert (panels["Waiting tasks"].value, panels["Dead letters"].value) == ("2", "1")
    assert [row[:3] for row in panels["Backlog by queue"].rows] == [("default", "2", "1")]
    [failure] = panels["Failures"].rows
    assert failure[1:3] == ("Broken", 1) and failure[4] == "no gateway" and "state=failed" in failure[0]
    chart = panels["Tasks ended in the last 24 hours"]
    assert {series.label: sum(series.values) for series in chart.series} == {"completed": 1, "failed": 1}
    assert len(chart.labels) == 24 and chart.series[0].values[-1] == 1


def test_features(shown):
    ingest([makers.watered("a"), makers.watered("b")])
    refresh("plot", ["a"])
    panels = shown()
    assert panels["Events not counted yet"].value == "1"
    assert panels["Entities behind"].value == "1"
    bars = {bar.title: bar for bar in panels["Feature coverage"].bars}
    assert bars["plot_care@v1"].percent == 50
    assert "nothing" in bars["core_behavioral@v1"].note


def test_figures_that_take_too_long_do_not_hide_the_others(shown, monkeypatch):
    from django.db import OperationalError

    from features import dashboard

    def too_slow(user):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(dashboard, "cards", too_slow)
    panels = shown()
    assert "could not be counted in time" in panels["Features"].text and "Waiting tasks" in panels


def test_loans_of_today(shown):
    request = ask_for_loan()
    chart = shown()["Loan decisions, last 14 days"]
    today = {series.label: series.values[-1] for series in chart.series}
    name = "in review" if request.status == "pending" else request.status
    assert today.pop(name) == 1 and not any(today.values())


def test_the_seals(shown):
    seal()
    before = shown()["Audit entries sealed"]
    new = ask_for_loan()
    after = shown()["Audit entries sealed"]
    assert new.pk and after.value == before.value and "wait for a seal" in after.note
