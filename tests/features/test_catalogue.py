"""A definition that was used cannot change under its version."""

import pytest
from django.core.checks import run_checks

from features import catalogue
from features.definitions import agg
from tests.garden.features import PlotCare


@pytest.mark.django_db
def test_a_changed_definition_under_an_old_version_is_refused(monkeypatch):
    catalogue.sync()
    changed = {**PlotCare.features, "litres_30d": agg.sum(types=["garden.watered"], over=agg.days(31), unit="l")}
    monkeypatch.setattr(PlotCare, "features", changed)
    with pytest.raises(catalogue.DefinitionChanged, match="plot_care@v1"):
        catalogue.sync()
    catalogue.forget_ids()
    with pytest.raises(catalogue.DefinitionChanged):
        catalogue.set_id(PlotCare)
    assert [error.id for error in run_checks(tags=["database"], databases=["default"])] == ["features.E001"]


@pytest.mark.django_db
def test_text_for_people_may_change(monkeypatch):
    from features.models import FeatureSetVersion

    monkeypatch.setattr(PlotCare, "owner", "somebody else")
    catalogue.sync()
    assert FeatureSetVersion.objects.get(name="plot_care").owner == "somebody else"


def test_the_checksum_covers_what_changes_a_value_and_nothing_else():
    base = agg.sum(unit="l")
    assert agg.sum(unit="l", description="words").definition() == base.definition()
    for other in (agg.mean(unit="l"), agg.sum(unit="kg"), agg.sum(unit="l", over=agg.days(1)), agg.sum("x", unit="l")):
        assert other.definition() != base.definition()


def test_processes_refuse_to_start_on_a_changed_definition(processes):
    """A web server and a worker end at once and say why."""
    import os
    import signal

    from django.db import connection

    catalogue.sync()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE features_featuresetversion SET checksum = 'another' WHERE name = 'core_behavioral'")
    worker = processes.worker()
    try:
        assert worker.wait(20) != 0
        assert "core_behavioral@v1 has changed" in processes.log.read_text()
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
