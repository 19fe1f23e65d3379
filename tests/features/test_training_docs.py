"""The examples of docs/training.md are run as they stand."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from features.intake.ingest import ingest
from tasks.execution import run_task
from tests import makers
from tests.makers import NOON, harvested, watered

PAGE = (Path(__file__).parents[2] / "docs/training.md").read_text()
VALUES, ANSWER, ROWS, DATASET = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S))
[COMMAND] = re.findall(r"```bash\n.venv/bin/python manage.py (.*?)\n```", PAGE, re.S)
[PYTHON] = re.findall(r"```python\n(.*?)```", PAGE, re.S)

pytestmark = pytest.mark.django_db(transaction=True)  # a task is seen from two connections


@pytest.fixture(autouse=True)
def _garden(settings, tmp_path, monkeypatch):
    settings.DATASETS_DIR = tmp_path
    monkeypatch.chdir(tmp_path)
    ingest([watered("north", days_ago=3, litres="7.5"), harvested("north", days_ago=2)], refresh=False)


def test_the_requests_are_answered_as_the_page_says():
    analyst = makers.client(makers.user("analyst"))
    found = analyst.post("/api/v1/features/training", VALUES, format="json").json()
    assert {name: found[name] for name in ANSWER} == ANSWER
    assert found["results"][1]["feature_value"] == 7.5
    [row] = analyst.post("/api/v1/features/training", ROWS, format="json").json()["rows"]
    assert row["features"] == {
        "plot_care@v1:litres_30d": 7.5, "plot_harvest@v1:harvests": 1, "plot_harvest@v1:kilograms": 2
    }  # fmt: skip
    asked = analyst.post("/api/v1/features/datasets", DATASET, format="json")
    run_task(asked.json()["task_id"])
    done = analyst.get(asked.json()["dataset"]).json()
    assert (done["state"], done["rows"], done["format"]) == ("completed", 1, "parquet")


def test_the_command_runs(tmp_path):
    call_command(*COMMAND.split())
    assert len(list((tmp_path / "sets").iterdir())) == 2


def test_the_python_runs():
    names = {"noon": NOON, "timedelta": timedelta}
    exec(PYTHON, names)
    assert names["table"].to_pylist() == [
        {"plot_care@v1:litres": Decimal("7.5"), "plot_care@v1:waterings_7d": 1},
        {"plot_care@v1:litres": 0, "plot_care@v1:waterings_7d": 0},
    ]
