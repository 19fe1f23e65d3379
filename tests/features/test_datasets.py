"""Training sets as files: what is in them, the same bytes for the same request, and their life."""

import hashlib
import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pyarrow import ipc

from audit.models import Entry
from features.erasure import erase as erasure
from features.intake.ingest import ingest
from features.training import building, datasets
from features.training.models import Dataset
from tasks.execution import run_task
from tasks.models import Task
from tests import makers
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db(transaction=True)  # a task is seen from two connections
URL = "/api/v1/features/datasets"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATASETS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def analyst():
    return makers.client(makers.user("analyst"))


def rows(*asked):
    return [{"entity_id": plot, "timestamp": (NOON - timedelta(days=days)).isoformat()} for plot, days in asked]


def ask(client, **body):
    """Ask for a dataset and let its task run; gives its page."""
    answer = client.post(URL, {"features": ["plot_care:litres"], **body}, format="json")
    assert answer.status_code == 202, answer.json()
    run_task(answer.json()["task_id"])
    return client.get(answer.json()["dataset"]).json()


def content(client, dataset):
    return b"".join(client.get(dataset["download"]).streaming_content)


def parquet(client, dataset):
    return pq.read_table(io.BytesIO(content(client, dataset))).to_pylist()


def test_a_dataset_is_asked_for_followed_and_fetched(analyst):
    ingest([watered("a", days_ago=2, litres="12.50"), watered("b", days_ago=1, litres=4)], refresh=False)
    asked = {"features": ["plot_care:litres", "plot_rhythm@v1:last_gardener"], "entity_rows": rows(("b", 0), ("a", 3))}
    answer = analyst.post(URL, asked, format="json")
    task_id, address = answer.json()["task_id"], answer.json()["dataset"]
    assert answer.status_code == 202 and answer["Location"] == f"/api/v1/tasks/{task_id}"
    waiting = analyst.get(address).json()
    assert waiting["state"] == "pending" and waiting["download"] is None
    assert analyst.get(f"{address}/download").status_code == 409
    run_task(task_id)
    done = analyst.get(address).json()
    assert (done["state"], done["progress"], done["rows"], done["columns"]) == ("completed", 100, 2, 4)
    sent = content(analyst, done)
    assert hashlib.sha256(sent).hexdigest() == done["sha256"] and len(sent) == done["bytes"]
    assert pq.read_table(io.BytesIO(sent)).to_pylist() == [
        {"entity_id": "b", "event_timestamp": NOON, "plot_care@v1:litres": Decimal(4),
         "plot_rhythm@v1:last_gardener": None},
        {"entity_id": "a", "event_timestamp": NOON - timedelta(days=3), "plot_care@v1:litres": Decimal(0),
         "plot_rhythm@v1:last_gardener": None},
    ]  # fmt: skip
    assert [row["id"] for row in analyst.get(URL).json()["results"]] == [done["id"]]
    actions = Entry.objects.filter(entity_id=done["id"]).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["dataset_requested", "dataset_downloaded"]


def test_the_manifest_says_what_the_bytes_depend_on(analyst):
    from tests.garden.features import PlotCare

    ingest([watered("a", days_ago=2)], refresh=False)
    done = ask(analyst, features=["plot_care:litres", "plot_care:last_value"], entity_rows=rows(("a", 0), ("b", 0)))
    manifest = done["manifest"]
    assert manifest["feature_sets"] == [{"name": "plot_care", "version": "v1", "checksum": PlotCare.checksum()}]
    assert [(c["name"], c["nulls"]) for c in manifest["columns"]] == [
        ("entity_id", 0), ("event_timestamp", 0), ("plot_care@v1:litres", 0), ("plot_care@v1:last_value", 1)
    ]  # fmt: skip
    assert manifest["file"]["sha256"] == done["sha256"] and manifest["rows"] == manifest["spine"]["rows"] == 2
    assert manifest["known_at"] == done["known_at"] and manifest["code_version"]


@pytest.mark.parametrize("few", [0, 1_000], ids=["columns", "PostgreSQL"])
@pytest.mark.parametrize("format", ["parquet", "arrow", "csv"])
def test_the_same_request_gives_the_same_bytes_whatever_came_in_meanwhile(folder, format, few, monkeypatch):
    from features.training.request import canonical

    ingest([watered("a", days_ago=2, litres="0.1"), watered("b", days_ago=1, litres="1e-9")], refresh=False)
    request = canonical(features=["plot_care", "plot_gaps"], rows=[("a", NOON), ("b", NOON)] * 40, format=format)
    monkeypatch.setattr(building, "FEW", few)
    first = building.build(request, folder / "first")
    _record_later([watered("a", days_ago=1, litres=5)])
    second = building.build(request, folder / "second")
    assert first.sha256 == second.sha256 and first.manifest == second.manifest
    assert (folder / "first").read_bytes() == (folder / "second").read_bytes()
    assert sorted(file.name for file in folder.iterdir()) == ["first", "second"]


def test_parts_follow_each_other_without_a_seam(folder, monkeypatch):
    from features.training.request import canonical

    ingest([watered(plot, days_ago=days) for plot in "abc" for days in range(4)], refresh=False)
    asked = [(plot, NOON - timedelta(days=days)) for days in range(5) for plot in "cab"]
    request = canonical(features=["plot_care", "plot_gaps"], rows=asked, format="arrow")
    monkeypatch.setattr(building, "FEW", 0)
    found = []
    for chunk in (100, 4):
        monkeypatch.setattr(building, "CHUNK", chunk)
        building.build(request, folder / "set")
        found.append(ipc.open_file(folder / "set").read_all().to_pylist())
    assert found[0] == found[1]
    assert [(row["entity_id"], row["event_timestamp"]) for row in found[0]] == asked


def _record_later(events):
    """As if their transaction had begun an hour from now."""
    import pgtrigger

    from features.models import RawEvent

    before = set(RawEvent.objects.values_list("id", flat=True))
    ingest(events, refresh=False)
    with pgtrigger.ignore("features.RawEvent:append_only"):
        RawEvent.objects.exclude(id__in=before).update(recorded_at=timezone.now() + timedelta(hours=1))


def test_every_event_of_a_type_is_a_row_that_does_not_see_itself(analyst):
    together = watered("a", days_ago=2, litres=7)
    ingest([watered("a", days_ago=3, litres=1), harvested("a", days_ago=2, kilograms="2.5"), together,
            harvested("b", days_ago=5, kilograms=4), harvested("a", days_ago=1, kilograms=3)],
           refresh=False)  # fmt: skip
    features = ["plot_care:litres", "plot_harvest:harvests"]
    done = ask(analyst, features=features, label={"event_type": "garden.harvested"})
    found = [(r["entity_id"], r["label"], *list(r.values())[3:]) for r in parquet(analyst, done)]
    assert found == [("b", 4, 0, 0), ("a", Decimal("2.5"), 1, 0), ("a", 3, 8, 1)]
    later = {"event_type": "garden.harvested", "since": (NOON - timedelta(days=2)).isoformat()}
    assert ask(analyst, label=later)["rows"] == 2
    told = {"event_type": "garden.watered", "field": "litres", "until": (NOON - timedelta(days=3)).isoformat()}
    assert [row["label"] for row in parquet(analyst, ask(analyst, label=told))] == ["1"]


def test_known_at_event_time_leaves_out_what_was_recorded_after_each_row(analyst):
    ingest([watered("a", days_ago=9, litres=3)], refresh=False)  # it happened long ago, and is recorded now
    soon = (timezone.now() + timedelta(days=1)).isoformat()
    asked = [*rows(("a", 0)), {"entity_id": "a", "timestamp": soon}]
    done = ask(analyst, entity_rows=asked, known_at="at_event_time")
    assert [row["plot_care@v1:litres"] for row in parquet(analyst, done)] == [0, 3]
    assert [row["plot_care@v1:litres"] for row in parquet(analyst, ask(analyst, entity_rows=asked))] == [3, 3]


def test_rows_of_a_model_stand_beside_events(analyst):
    ingest([watered("a", days_ago=2, litres=4)], refresh=False)
    for known_at in ("now", "at_event_time"):
        soon = (timezone.now() + timedelta(days=1)).isoformat()
        done = ask(analyst, features=["plot_rows:doubled", "plot_care:litres", "plot_rows:last_time"],
                   entity_rows=[{"entity_id": "a", "timestamp": soon}], known_at=known_at)  # fmt: skip
        [row] = parquet(analyst, done)
        assert row["plot_care@v1:litres"] == 4 and row["plot_rows@v1:last_time"] == NOON - timedelta(days=2)


def test_csv_has_no_cell_that_a_spreadsheet_would_run(analyst):
    ingest([watered("=1+1", days_ago=1, litres="12.50", gardener="@me")], refresh=False)
    done = ask(analyst, features=["plot_care:litres", "plot_rhythm:last_gardener"],
               entity_rows=rows(("=1+1", 0), ("-x", 0), ("a,b", 0)), format="csv")  # fmt: skip
    lines = content(analyst, done).decode().splitlines()
    assert lines[0] == '"entity_id","event_timestamp","plot_care@v1:litres","plot_rhythm@v1:last_gardener"'
    assert lines[1].startswith('"\'=1+1",') and lines[1].endswith('"12.5","\'@me"')
    assert lines[2].startswith('"\'-x",') and lines[3].startswith('"a,b",')


def test_arrow_keeps_every_digit(analyst):
    ingest([watered("a", days_ago=1, litres="999999999999999.123456789012345678")], refresh=False)
    done = ask(analyst, entity_rows=rows(("a", 0)), format="arrow")
    table = ipc.open_file(io.BytesIO(content(analyst, done))).read_all()
    assert table.column(2)[0].as_py() == Decimal("999999999999999.123456789012345678")
    assert table.schema.field(2).type == pa.decimal128(38, 18)


def test_a_dataset_that_cannot_be_built_says_why(analyst):
    from tests.features.test_exactness import _break_payload

    ingest([watered("bad", days_ago=1)], refresh=False)
    _break_payload("bad")
    failed = ask(analyst, features=["plot_care:moisture_last"], entity_rows=rows(("bad", 0)))
    assert failed["state"] == "failed" and "numeric" in failed["message"]
    assert analyst.get(f"{URL}/{failed['id']}/download").status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"features": ["plot_care"]},
        {"features": ["plot_care"], "entity_rows": []},
        {"features": ["plot_care"], "entity_rows": [{"entity_id": "a"}]},
        {"features": ["plot_care"], "entity_rows": [{"entity_id": "", "timestamp": "2026-01-01T00:00:00Z"}]},
        {"features": ["plot_care"], "entity_rows": [{"entity_id": "a", "timestamp": "yesterday"}]},
        {"features": ["plot_care"], "label": {"event_type": "nothing"}},
        {"features": ["plot_care"], "label": {"event_type": "garden.watered", "field": "liters"}},
        {"features": ["plot_care"], "label": {"event_type": "garden.visited"}},
        {"features": ["core_behavioral"], "label": {"event_type": "garden.watered"}},
        {"features": ["plot_care"], "label": {"event_type": "garden.watered"}, "known_at": "2199-01-01T00:00:00Z"},
        {"features": ["plot_care"], "label": {"event_type": "garden.watered"}, "format": "xls"},
        {"features": ["plot_care"], "label": {"event_type": "garden.watered"}, "colour": "red"},
        [1],
    ],
)
def test_bad_questions_are_refused(analyst, body):
    answer = analyst.post(URL, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert not Dataset.objects.exists()


def test_a_dataset_goes_with_its_file_and_not_while_it_is_built(analyst, folder):
    done = ask(analyst, entity_rows=rows(("a", 0)))
    assert [file.name for file in folder.iterdir()] == [f"{done['id']}.parquet"]
    address = f"{URL}/{done['id']}"
    assert makers.client(makers.user("analyst")).delete(address).status_code == 403
    waiting = analyst.post(URL, {"features": ["plot_care"], "entity_rows": rows(("a", 0))}, format="json").json()
    assert analyst.delete(waiting["dataset"]).status_code == 409
    assert analyst.delete(address).status_code == 204 and analyst.get(address).status_code == 404


def test_old_datasets_and_files_of_nobody_are_removed(analyst, folder):
    old, young = (ask(analyst, entity_rows=rows(("a", 0))) for _ in range(2))
    Dataset.objects.filter(pk=old["id"]).update(expires_at=timezone.now())
    stray = folder / "stray.parquet"
    stray.touch()
    assert datasets.remove_expired(now=timezone.now()) == 1
    assert {file.name for file in folder.iterdir()} == {f"{young['id']}.parquet", "stray.parquet"}
    datasets.remove_expired(now=timezone.now() + timedelta(days=2))
    assert not stray.exists()


def test_without_the_packages_the_task_says_what_to_install(analyst, monkeypatch):
    from features import training

    monkeypatch.setattr(training, "find_spec", lambda name: None)
    failed = ask(analyst, entity_rows=rows(("a", 0)))
    assert failed["state"] == "failed" and "requirements/science.txt" in failed["message"]
    assert Task.objects.get(name="features.build_dataset").attempt == 1


def test_the_command_builds_the_same_file(tmp_path, capsys):
    ingest([watered("a", days_ago=1, litres=4)], refresh=False)
    spine = tmp_path / "rows.csv"
    spine.write_text(f"entity_id,timestamp\na,{NOON.isoformat()}\n")
    call_command("build_dataset", "plot_care:litres", "--rows", str(spine), "--to", str(tmp_path / "set.parquet"))
    [row] = pq.read_table(tmp_path / "set.parquet").to_pylist()
    assert row["plot_care@v1:litres"] == 4
    manifest = json.loads(Path(tmp_path / "set.parquet.manifest.json").read_text())
    assert manifest["file"]["sha256"] in capsys.readouterr().out
    call_command("build_dataset", "plot_care", "--label", "garden.watered", "--to", str(tmp_path), "--format", "csv")
    assert len(list(tmp_path.glob("dataset-*.csv"))) == 1
    with pytest.raises(CommandError, match="No feature"):
        call_command("build_dataset", "nothing", "--label", "garden.watered")


def test_the_console_shows_state_columns_and_definitions(analyst, client):
    from accounts.services import assign_role
    from tests.console.conftest import BACKEND

    ingest([watered("a", days_ago=1)], refresh=False)
    done = ask(analyst, entity_rows=rows(("a", 0)))
    waiting = analyst.post(URL, {"features": ["plot_care"], "entity_rows": rows(("a", 0))}, format="json").json()
    client.force_login(assign_role(user=makers.user(), role="analyst"), backend=BACKEND)
    listed = client.get("/admin/features/dataset/").content.decode()
    assert "completed" in listed and "pending" in listed
    page = client.get(f"/admin/features/dataset/{done['id']}/change/").content.decode()
    assert done["sha256"] in page and "plot_care@v1:litres" in page and done["download"] in page
    assert "Not built yet." in client.get(f"/admin/features/dataset/{waiting['id']}/change/").content.decode()


def test_erasing_an_entity_deletes_the_datasets_that_hold_it_and_no_others(analyst, folder):
    moved = [watered(plot, days_ago=day, litres=1) for plot in ("a", "b") for day in (1, 5)]
    ingest([*moved, harvested("b", days_ago=2)], refresh=False)
    named = ask(analyst, entity_rows=rows(("a", 0), ("b", 0)))
    labelled = ask(analyst, label={"event_type": "garden.watered"})
    others = [ask(analyst, entity_rows=rows(("b", 0))), ask(analyst, label={"event_type": "garden.harvested"})]
    assert erasure.proof("plot", "a")["features_dataset"] == 1
    done = erasure.erase_entity(entity_type="plot", entity_id="a", reason="asked for")
    assert done.rows["features_dataset"] == 2
    assert not any(erasure.proof("plot", "a").values())
    assert {str(pk) for pk in Dataset.objects.values_list("pk", flat=True)} == {each["id"] for each in others}
    assert {file.stem for file in folder.iterdir()} == {each["id"] for each in others}
    gone = {entry.entity_id: entry.metadata for entry in Entry.objects.filter(action="dataset_deleted")}
    assert gone.keys() == {named["id"], labelled["id"]} and gone[named["id"]]["by"] == "erasure"


def test_a_dataset_that_is_built_during_the_erasure_leaves_no_file(analyst, folder, monkeypatch):
    ingest([watered("a", days_ago=1)], refresh=False)
    asked = {"features": ["plot_care:litres"], "entity_rows": rows(("a", 0))}
    answer = analyst.post(URL, asked, format="json").json()
    hashed = building.hashed

    def erased_before_it_is_noted(path):
        erasure.erase_entity(entity_type="plot", entity_id="a", reason="asked for")
        return hashed(path)

    monkeypatch.setattr(building, "hashed", erased_before_it_is_noted)
    run_task(answer["task_id"])
    assert Task.objects.get(pk=answer["task_id"]).status in ("failed", "cancelled")
    assert not Dataset.objects.exists() and not list(folder.iterdir())
