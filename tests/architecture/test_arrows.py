"""Imports point down, domains never import each other, and a domain costs one folder and one name."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.urls import resolve

from config.settings import DOMAINS

ROOT = Path(__file__).resolve().parents[2]
# From the top down: a module may import its own floor's app and everything below it.
FLOORS = [["config", "console"], DOMAINS, ["accounts"], ["features"], ["archive"], ["tasks"], ["audit"], ["base"]]
FLOOR_OF = {app: number for number, floor in enumerate(FLOORS) for app in floor}
# What a domain may use of a platform app: declare with `definitions`, act with `services`.
DOORS = {
    "features": {"definitions", "services"},
    "tasks": {"definitions", "services", "serializers", "execution", "models", "testing"},
    "audit": {"services", "models"},
}


def modules() -> list[Path]:
    return [
        path
        for app in FLOOR_OF
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.relative_to(ROOT).parts
    ]


@functools.cache
def imports(path: Path) -> list[str]:
    """Full names of what a module imports, inside functions too; `from a import b` gives a.b."""
    return list(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_point_down():
    wrong = []
    for path in modules():
        here = path.relative_to(ROOT).parts[0]
        for name in imports(path):
            there = name.split(".")[0]
            if there in FLOOR_OF and there != here and FLOOR_OF[there] <= FLOOR_OF[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_domains_use_the_doors_of_the_platform():
    wrong = []
    for path in modules():
        relative = path.relative_to(ROOT)
        if relative.parts[0] not in DOMAINS or relative.name in {"admin.py", "dashboard.py"}:
            continue
        for name in imports(path):
            app, _, rest = name.partition(".")
            if app in DOORS and rest.split(".")[0] not in DOORS[app]:
                wrong.append(f"{relative} imports {name}")
    assert not wrong


def test_the_ground_floor_has_no_models():
    assert not list(apps.get_app_config("base").get_models())


def test_rules_are_pure():
    """`rules.py` and what decides with it know no database, settings or clock."""
    pure = ["loans/rules.py", "loans/scorecard.py", "features/language/pure.py"]
    pure += [f"loans/policy/{name}.py" for name in ("fraud", "anomaly", "deciding", "aftermath", "shipped")]
    pure += ["recordings/synthetic.py", *map(str, sorted((ROOT / "recordings/signal").glob("*.py")))]
    for path in [ROOT / name for name in pure]:
        assert not [name for name in imports(path) if name.startswith("django")], path


def test_files_hold_one_idea():
    long = {
        str(path.relative_to(ROOT)): lines for path in modules() if (lines := len(path.read_text().splitlines())) > 320
    }
    assert not long


def test_one_folder_and_one_name_add_a_domain():
    """The garden is named in the tests' settings and nowhere in the product, and the platform serves it whole."""
    from features.definitions import event_types, find_feature_set
    from tasks.definitions import periodic_tasks, registered

    assert "tests.garden" in settings.DOMAINS and "tests.garden" not in DOMAINS
    assert "garden" not in "".join(path.read_text().lower() for path in modules() if path.name != "__init__.py")
    assert event_types()["garden.watered"].entity.name == "plot"
    assert find_feature_set("plot_care").label() == "plot_care@v1"
    assert registered("garden.note") is not None
    assert "garden.hourly" in [periodic.task.name for periodic in periodic_tasks()]
    assert resolve("/api/v1/garden/plots").url_name == "garden-plots"
