"""Events come from the offline copy, PostgreSQL or both, and it makes no difference to any value."""

import random
from datetime import timedelta

import pgtrigger
import pytest
from django.utils import timezone

from features.definitions import feature_sets
from features.intake.ingest import ingest
from features.models import RawEvent
from features.offline.compaction import compact
from features.offline.models import ExportedFile
from features.serving.stored import UnknownFeature
from features.training import engine, reading
from features.training.log import Log, Spine
from tests.features.offline import export
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db
WANTED = {s: list(s.features) for s in feature_sets(entity="plot") if s.rows is None}
SPINE = [(plot, NOON - timedelta(days=days)) for plot in ("a", "b", "c") for days in range(0, 90, 9)]


@pytest.fixture
def copy(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


def load(seed, *, count=60):
    """Events at random, many of them at one instant."""
    chance = random.Random(seed)
    events = [
        chance.choice([watered, harvested])(chance.choice("abc"), days_ago=chance.randrange(0, 90, 3))
        for _ in range(count)
    ]
    ingest(events, refresh=False)


def table(*, known_at=None, each=None):
    spine = Spine.of(SPINE, each)
    events = reading.read(WANTED, spine, until=NOON, known_at=known_at)
    return engine.compute(WANTED, Log.of(events, spine), spine).to_pylist()


def from_postgres(settings, **asked):
    settings.EXPORT_URL = ""
    return table(**asked)


def test_copy_and_database_join_without_gap_or_overlap(copy, settings):
    for seed in range(3):  # several files a month, then merged ones, then what is not exported yet
        load(seed)
        export()
    by_files = table()
    compact()
    list(compact())
    load(7)
    both = table()
    assert by_files != both
    assert both == from_postgres(settings)


def test_events_without_ids_in_the_columns_keep_their_order(copy, settings):
    wanted = {s: ["first_value", "last_value"] for s in WANTED if s.name == "plot_care"}
    assert "id" not in engine.columns_needed(wanted, known_at=False)
    spine = Spine.of([("a", NOON)])
    for first in (3, 1, 2):
        ingest([watered("a", days_ago=1, litres=first * 10 + n) for n in range(3)], refresh=False)
        export()
    [row] = reading.training_table(["plot_care:first_value", "plot_care:last_value"], spine).to_pylist()
    assert list(row.values()) == [30, 22]
    ingest([watered("a", days_ago=1, litres=99)], refresh=False)
    [row] = reading.training_table(["plot_care:first_value", "plot_care:last_value"], spine).to_pylist()
    assert list(row.values()) == [30, 99]


def test_files_that_overlap_are_read_with_their_ids(copy):
    load(1)
    export()
    load(2)
    export()
    expected = table()
    ExportedFile.objects.update(first_id=1)
    assert not reading._follow_each_other(reading._files("plot"), 10**9)
    assert table() == expected


def test_what_was_recorded_later_is_left_out_of_files_and_database(copy, settings):
    load(1)
    with pgtrigger.ignore("features.RawEvent:append_only"):
        for number, event in enumerate(RawEvent.objects.order_by("id")):
            RawEvent.objects.filter(pk=event.pk).update(recorded_at=NOON - timedelta(days=number % 90))
    export()
    load(2)
    each = [moment + timedelta(days=place % 5) for place, (_, moment) in enumerate(SPINE)]
    for asked in ({"known_at": NOON - timedelta(days=20)}, {"each": each}, {"known_at": timezone.now()}):
        found = table(**asked)
        assert found == from_postgres(settings, **asked)


def test_features_of_models_are_for_postgresql():
    with pytest.raises(UnknownFeature):
        reading.training_table(["plot_rows"], Spine.of(SPINE))
