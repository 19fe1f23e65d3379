"""The example of docs/tasks.md is run as it stands."""

import re
import sys
import types
from pathlib import Path

import pytest
from django.utils import timezone

from tasks import definitions
from tasks.models import Task

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs/tasks.md").read_text(), re.S)


@pytest.fixture
def example(monkeypatch):
    """A module made of the example's declarations, forgotten again at the end."""
    for registry in ("_registry", "_periodic"):
        monkeypatch.setattr(definitions, registry, dict(getattr(definitions, registry)))
    module = types.ModuleType("example.tasks")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(BLOCKS[0], module.__dict__)
    return module.__dict__


@pytest.mark.django_db(transaction=True)
def test_the_example_runs(example, redis):
    example["tomorrow"] = timezone.now() + timezone.timedelta(days=1)
    exec(BLOCKS[1], example)
    assert Task.objects.filter(name="example.greet").count() == 4
    assert Task.objects.get(unique_key="greet:7").priority == 10
    Task.objects.all().delete()
    exec(BLOCKS[2], example)
    example["test_a_greeting_survives_two_failures"]()
    example["greet_all"].enqueue(names=["Ed", "Flo"])
    assert example["run_due"]() == 1
    assert Task.objects.get(name="example.greet_all").result == {"greeted": 2}
    assert str(definitions.periodic_tasks()[-1].rhythm) == "0 3 * * *"
