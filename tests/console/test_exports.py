"""What the console shows of the offline store."""

from __future__ import annotations

import pytest
from django.urls import reverse

from features.intake.ingest import ingest
from features.models import Export, ExportedFile
from tests.features.offline import export
from tests.makers import watered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


def page(browser, model, *which) -> str:
    kind = "change" if which else "changelist"
    answer = browser.get(reverse(f"admin:features_{model._meta.model_name}_{kind}", args=which))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_analyst_sees_what_is_exported_and_in_which_files(staff):
    ingest([watered("a"), watered("b")], refresh=False)
    export()
    done, file, analyst = Export.objects.get(), ExportedFile.objects.get(), staff("analyst")
    assert f"{done.first_id:,} – {done.last_id:,}" in page(analyst, Export)
    assert file.path in page(analyst, Export, done.pk)
    assert "2026-06" in page(analyst, ExportedFile) and "counts" in page(analyst, ExportedFile)
    assert file.sha256 in page(analyst, ExportedFile, file.pk)
    answer = analyst.get(reverse("admin:features_exportedfile_changelist"), {"q": "2026-06", "state": "counts"})
    assert list(answer.context["cl"].result_list) == [file]


def test_a_client_sees_nothing_of_it(staff):
    assert staff("client").get(reverse("admin:features_export_changelist")).status_code == 302


def test_metrics_tell_how_far_it_is(client):
    ingest([watered("a"), watered("b")], refresh=False)
    export()
    text = client.get("/metrics").content.decode()
    assert "millrace_offline_events 2.0" in text and "millrace_offline_files 1.0" in text
    assert "millrace_offline_age_seconds" in text
