"""Real PostgreSQL and Redis for every test that asks for them; `--fast` leaves those tests out."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.test import SimpleTestCase

from tests.pristine import put_back_after_each_test

ROOT = Path(__file__).resolve().parent.parent
SERVICES = {"db", "transactional_db", "live_server", "redis", "processes", "site"}
SERVICE_FOLDERS = {"chaos", "launcher", "site"}
TAKES_SECONDS = {
    "test_training.py",  # fitting
    "test_duplicates_training.py",
    "test_classifier_training.py",
    "test_judge_training.py",
    "test_training_report.py",
    "test_training_tables.py",
    "test_training_bank.py",  # real data
    "test_berka.py",  # real data
    "test_captures.py",  # real data
    "test_signal_numbers.py",
    "test_signal_properties.py",
    "test_bank_values.py",
    "test_settings.py",  # other processes
    "test_browser.py",
    "test_review_keys.py",
    "test_chaos.py",
    "test_synthetic.py",  # whole samples
    "test_parity.py",  # other engines, and what reads columns
    "test_quality_drift.py",
    "test_training_engine.py",
    "test_training_reading.py",
    "test_training_docs.py",
    "test_training_api.py",
    "test_datasets.py",
    "test_load_events.py",
    "test_offline.py",
    "test_offline_engine.py",
    "test_offline_histories.py",
    "test_offline_races.py",
    "test_offline_upkeep.py",
    "test_export.py",  # other processes
    "test_samples.py",
}
WHOLLY_IN_THE_DATABASE = re.compile(r"^pytestmark = .*\bdjango_db\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that need no PostgreSQL, Redis or browser")


def pytest_configure(config: pytest.Config) -> None:
    """Fast means fewer examples too; `make test` tries as many as Hypothesis or the test itself asks for."""
    hypothesis.settings.register_profile("fast", max_examples=10)
    if config.getoption("--fast"):
        hypothesis.settings.load_profile("fast")


def needs_services(item: pytest.Item) -> bool:
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    fixtures = set(getattr(item, "fixturenames", ()))
    in_database = isinstance(getattr(item, "cls", None), type) and issubclass(item.cls, SimpleTestCase)
    return bool(in_database or folder in SERVICE_FOLDERS or fixtures & SERVICES or item.get_closest_marker("django_db"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--fast`, do not even import what could not run: fitting, browsers and processes are slow to load."""
    if not config.getoption("--fast"):
        return None
    if collection_path.name in TAKES_SECONDS | SERVICE_FOLDERS:
        return True
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return (is_test and WHOLLY_IN_THE_DATABASE.search(collection_path.read_text(encoding="utf-8")) is not None) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if needs_services(item)]
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=slow)
        left_out = {id(item) for item in slow}
        items[:] = [item for item in items if id(item) not in left_out]
    elif slow and "DATABASE_URL" not in os.environ:
        raise pytest.UsageError("These tests need PostgreSQL and Redis: run `make test`, or `make fast` without them.")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Let a flush between tests pass the triggers that refuse TRUNCATE; they are tested where they matter."""
    import pgtrigger
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.sql_flush

    def past_triggers(self, *args, **kwargs):
        statements = flush(self, *args, **kwargs)
        refuse = {model._meta.db_table for model, one in pgtrigger.registered() if "TRUNCATE" in str(one.operation)}
        off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in sorted(refuse)]
        on = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in sorted(refuse)]
        return [*off, *statements, *on] if statements else statements

    DatabaseOperations.sql_flush = past_triggers
    yield
    DatabaseOperations.sql_flush = flush


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), put_back_after_each_test():
        yield


@pytest.fixture(autouse=True)
def _fresh_caches(request: pytest.FixtureRequest) -> None:
    """What a process remembers about the database must not outlive it."""
    if "transactional_db" in request.fixturenames or "db" in request.fixturenames:
        from features.catalogue import forget_ids
        from loans.policy.published import forget_policies

        forget_ids()
        forget_policies()


@pytest.fixture
def redis(settings):
    """The Redis of the queues, empty."""
    import redis as client_library

    from base import allowance

    client = client_library.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    allowance.forget()
    yield client
    client.flushdb()
    allowance.forget()


@pytest.fixture
def api():
    from rest_framework.test import APIClient

    return APIClient()


from tests.processes import processes  # noqa: E402, F401 - the fixture
