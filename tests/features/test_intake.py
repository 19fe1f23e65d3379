"""Many events at once: whichever way they take, the rows, marks and answers are those of one event after another."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException

from base.parsers import parse_json
from features.erasure.erase import erase_entity
from features.intake import bulk
from features.intake.cloudevents import Batch, read_batch
from features.intake.ingest import ingest
from features.intake.plain import read_plain
from features.models import KnownEntity, RawEvent, StaleEntity
from features.values import counts
from tests.features.test_races import in_threads
from tests.makers import watered

MANY = bulk.LEAST + 20


def many(count=MANY, **changes):
    return [watered(f"plot-{number % 7}", source_id=f"many-{number}", **changes) for number in range(count)]


def everything():
    """All that events leave behind, without the numbers that differ from run to run."""
    columns = ["source", "source_id", "entity_type", "entity_id", "event_type", "event_time", "value", "payload"]
    marks = ["entity_type", "entity_id", "events", "earliest", "latest"]
    return (
        list(RawEvent.objects.order_by("source", "source_id").values_list(*columns)),
        list(StaleEntity.objects.order_by("entity_id", "latest").values_list(*marks)),
        list(KnownEntity.objects.order_by("entity_id").values_list("entity_type", "entity_id")),
        counts.read(),
    )


class Undo(Exception):
    pass


def left_behind(work):
    found = None
    with pytest.raises(Undo), transaction.atomic():
        work()
        found = everything()
        raise Undo
    return found


def test_a_large_batch_leaves_what_small_ones_leave(db):
    now = timezone.now()
    events = [*many(), watered("plot-1", days_ago=-1, now=now, source_id="ahead"), watered("new", source_id="other")]
    ingest([watered("plot-2")], refresh=False)
    at_once = left_behind(lambda: ingest(events, refresh=False))
    one_by_one = left_behind(lambda: [ingest([event], refresh=False) for event in events])
    assert at_once == one_by_one and len(at_once[0]) == MANY + 3


def test_each_mark_of_a_large_batch_names_the_first_of_its_events(db):
    ingest(many(), refresh=False)
    for mark in StaleEntity.objects.all():
        assert mark.from_event_id == RawEvent.objects.filter(entity_id=mark.entity_id).earliest("id").id


def test_texts_that_mean_something_to_copy_are_kept_as_they_are(db):
    odd = ["tab\there", "line\nfeed", "return\r", "back\\slash", "\\N", "\\.", "é€😀", "'quoted\"", "{}"]
    events = many() + [watered(f"plot {text}", source_id=text, source=text, note=text) for text in odd]
    done = ingest(events, refresh=False)
    assert done.added == len(events)
    for text in odd:
        event = RawEvent.objects.get(source_id=text)
        assert (event.source, event.entity_id, event.payload["note"]) == (text, f"plot {text}", text)


def test_known_events_of_a_large_batch_are_named_wherever_they_stand(db):
    events = many()
    ingest(events[5:6] + events[30:31], refresh=False)
    done = ingest(events, refresh=False)
    assert (done.accepted, done.added, done.known) == (MANY, MANY - 2, [5, 30])
    assert ingest(events, refresh=False).known == list(range(MANY))
    assert ingest([*many(MANY * 2), events[3]], refresh=False).known == [*range(MANY), MANY * 2]


def test_events_of_erased_entities_are_left_out_of_a_large_batch(db):
    erase_entity(entity_type="plot", entity_id="plot-3", reason="asked")
    done = ingest(many(), refresh=False)
    assert done.erased == list(range(3, MANY, 7)) and done.added == done.accepted == MANY - len(done.erased)
    assert not RawEvent.objects.filter(entity_id="plot-3").exists()
    assert not StaleEntity.objects.filter(entity_id="plot-3").exists()


@pytest.mark.django_db(transaction=True)
def test_large_batches_with_events_in_common_count_each_once(redis):
    events = many(400)
    parts = [events[:300], events[100:][::-1], events[50:350], events[::-1]]
    done = in_threads(*(lambda part=part: ingest(part, refresh=False) for part in parts))
    assert sum(one.added for one in done) == RawEvent.objects.count() == 400
    assert sum(StaleEntity.objects.values_list("events", flat=True)) == counts.read()["events:plot"] == 400


NOW = timezone.now().replace(microsecond=0)
EVENT = {"specversion": "1.0", "id": "1", "source": "s", "type": "garden.watered", "subject": "plot-a",
         "time": NOW.isoformat(), "data": {"litres": "12.50"}}  # fmt: skip
LITRES: st.SearchStrategy = st.sampled_from(
    ["1", "-2.5", "x", "1 2", "", "1e3", "9" * 16, "0." + "1" * 19, 5, 2.5, True, None, [1], {}]
)
DATA: st.SearchStrategy = st.fixed_dictionaries({"litres": LITRES}, optional={
    "moisture": st.sampled_from([None, "0.5", 1, "damp"]),
    "note": st.sampled_from(["n", None, 2**70, {"a": 1}, [[]]])})  # fmt: skip
CHANGES: st.SearchStrategy = st.fixed_dictionaries({}, optional={
    "id": st.sampled_from(["2", "", " ", "x" * 201, 5, "\"\\t"]), "source": st.sampled_from(["t", "", None, "ü"]),
    "type": st.sampled_from(["garden.burned", "garden.harvested", 1]),
    "subject": st.sampled_from([" ", "b", "x" * 101]),
    "time": st.sampled_from([None, "yesterday", "1999-01-01T00:00:00Z", "2026-01-01t10:00:00z", "2199-01-01T00:00:00Z",
                             "2026-01-01 10:00:00.25+05:30", "2026-01-01T10:00:00", "2026-01-01T10:00:00+0530", 5]),
    "datacontenttype": st.sampled_from(["application/json", "text/plain", None]), "dataschema": st.just("x:y"),
    "traceparent": st.just("00"), "Upper": st.just(1), "specversion": st.just("0.3"), "data": DATA})  # fmt: skip


def one_by_one(body) -> Batch | None:
    try:
        return read_batch(parse_json(body, max_items=500_000), {})
    except APIException:
        return None


@given(st.lists(CHANGES, max_size=4), st.sampled_from([None, 1]))
def test_what_is_taken_as_plain_is_read_as_one_event_after_another(changes, indent):
    body = json.dumps([EVENT | change for change in changes], ensure_ascii=False, indent=indent).encode()
    plain, careful = read_plain(body), one_by_one(body)
    if plain is not None:
        assert careful is not None and not careful.refused
        assert [(row | {"event_time": None}) for row in plain.rows] == [
            row | {"event_time": None} for row in careful.rows
        ]
        assert list(plain.names) == list(careful.names) and list(plain.places) == list(careful.places)


def test_an_array_of_usual_events_is_taken_as_plain():
    batch = read_plain(json.dumps([EVENT, EVENT | {"datacontenttype": "application/json"}]).encode())
    assert batch and [row["value"] for row in batch.rows] == ["12.50", "12.50"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([EVENT]).replace('"id": "1"', '"id": "1", "id": "1"'),
        json.dumps([EVENT]).replace('"litres": "12.50"', '"litres": "12.50", "litres": "1"'),
        json.dumps([EVENT]).replace('"1.0"', '"1.0", "data": {}'),
        json.dumps([EVENT | {"time": (NOW + timedelta(minutes=6)).isoformat()}]),
        json.dumps([EVENT]).replace(NOW.isoformat(), "2026-01-01T10:00:00+0530"),
        "[]",
        json.dumps(EVENT),
    ],
)
def test_what_is_unusual_is_looked_at_one_by_one(body):
    assert read_plain(body.encode()) is None
