"""A finder is fitted on an invented city, and judged on what it has not seen."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs requirements/science.txt")
pa = pytest.importorskip("pyarrow")

from django.core.management import CommandError, call_command  # noqa: E402

from audit.models import Entry  # noqa: E402
from reports.duplicates.finder import Finder  # noqa: E402
from reports.duplicates.pairs import OF_PAIR  # noqa: E402
from reports.duplicates.training import boston, fitting  # noqa: E402
from reports.duplicates.training.fitting import Settings  # noqa: E402
from reports.duplicates.trees import Trees  # noqa: E402

THINGS = ["black toyota abandoned", "street light out", "trash on the sidewalk", "pothole in the right lane",
          "tree limb fallen", "graffiti on the wall", "snow not shoveled", "car blocks the hydrant"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """900 reports on a grid of blocks; one in three of the later ones repeats an earlier one nearby."""
    rng, rows, marked = np.random.default_rng(5), [], []
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(900):
        at = start + timedelta(hours=float(number * 4))
        repeats = number > 100 and rng.random() < 0.33
        if repeats:
            of = rows[number - int(rng.integers(1, 20))]
            text, lat, long = of["description"] + " again", of["lat"] + rng.normal(0, 5e-5), of["long"]
            marked.append({"service_request_id": f"{number:05}", "duplicate_of": of["service_request_id"]})
        else:
            text = f"{THINGS[rng.integers(8)]} {THINGS[rng.integers(8)]}"
            lat, long = 42.3 + rng.integers(40) * 0.002, -71.1 + rng.integers(40) * 0.002
        rows.append({
            "service_request_id": f"{number:05}", "service_name": "Other", "description": text, "address": "",
            "lat": float(lat), "long": float(long), "requested_datetime": at.isoformat(), "status": "closed",
            "updated_datetime": (at + timedelta(days=9)).isoformat(),
        })  # fmt: skip
    found = tmp_path_factory.mktemp("city")
    pa.parquet.write_table(pa.Table.from_pylist(rows), found / boston.REPORTS)
    pa.parquet.write_table(pa.Table.from_pylist(marked), found / boston.DECISIONS)
    return found


@pytest.mark.django_db
def test_training_writes_a_finder_that_serves_and_a_report_of_unseen_places_and_times(folder, tmp_path):
    output = tmp_path / "finder.json"
    call_command("train_duplicate_finder", data=folder, output=output, trees=15, others=400, verbosity=0)
    report = json.loads(output.with_suffix(".report.json").read_text())
    assert Finder.from_artifact(json.loads(output.read_text())).sha256 == report["sha256"]
    for found in report["figures"].values():
        assert found["original"]["recall@1"]["value"] > 0.8 and found["detection"]["auc"] > 0.8
    assert "trash" not in output.with_suffix(".report.html").read_text(), "counts and shares, never a report"
    assert Entry.objects.get(action="duplicate_finder_trained").metadata["sha256"] == report["sha256"]
    with pytest.raises(CommandError):
        call_command("train_duplicate_finder", data=tmp_path / "nowhere", output=output)


def test_no_pair_is_split_between_what_is_learned_from_and_what_is_judged(folder):
    city = boston.read(folder)
    parts = boston.part(city.group, 5, "apart")
    assert len(set(parts)) == 5
    assert all(parts[row] == parts[one] for row, named in enumerate(city.originals) for one in named)


def test_exported_trees_say_what_the_fitted_ones_say():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(2_000, len(OF_PAIR))).round(3)  # thresholds are exported with twelve digits
    model = fitting._trees(Settings(trees=20), 1).fit(rows, rows[:, 0] * rows[:, 1] + rng.normal(size=2_000) > 0)
    trees = Trees.read(json.loads(json.dumps(fitting.exported(model, OF_PAIR))), OF_PAIR)
    assert np.allclose(trees.score(rows), model.decision_function(rows), atol=2e-3)
