"""Events derived from rows: whoever comes back after any of them gets exactly the rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.happenings import BadPosition, End, Event, Position, Snapshot, Tried, events_of
from tasks.hub import MOST_REPLAYED, STREAMS_PER_USER, DashboardFeed, Full, Slots, TaskFeed

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
NEW = Snapshot("id", "garden.note", "pending", 0, 3, NOON, None, None, 0, "", False, "", "")


def tried(number: int, outcome: str = "error") -> Tried:
    return Tried(number, NOON, NOON, outcome, "E" if outcome == "error" else "", "")


@st.composite
def lives(draw) -> list[Snapshot]:
    """A task's rows over its life, one snapshot after each change."""
    now = NEW
    found = [now]
    attempts = draw(st.integers(0, 4))
    for number in range(1, attempts + 1):
        now = replace(now, status="processing", attempt=number, attempt_started_at=NOON, progress=0)
        found.append(now)
        for percent in draw(st.lists(st.integers(0, 100), max_size=4)):
            now = replace(now, progress=percent, progress_message=f"{percent} done")
            found.append(now)
        now = replace(now, status="pending", tried=(*now.tried, tried(number)))
        found.append(now)
    final = draw(st.sampled_from(["completed", "failed", "cancelled"]))
    found.append(replace(now, status=final, completed_at=NOON))
    return found


def followed(life: list[Snapshot], position: Position) -> list[Event]:
    feed = TaskFeed("id", position)
    for snapshot in life:
        feed.see(snapshot)
    assert feed.over
    return list(feed.fresh)


@given(lives(), st.data())
def test_a_break_anywhere_loses_nothing_that_is_kept_and_repeats_nothing(life, data):
    whole = followed(life, Position())
    ids = [event.id for event in whole]
    assert [event.name for event in whole][0] == "created" and whole[-1].name == life[-1].status
    for before, after in zip(whole, whole[1:], strict=False):
        assert not (Position.parse(after.id).is_before(Position.parse(before.id)) and before.name != "progress")
    cut = data.draw(st.integers(0, len(whole) - 1))
    back = data.draw(st.integers(0, len(life) - 1))
    rest = followed(life[back:], Position.parse(ids[cut]))
    lasting = [event.id for event in whole[cut + 1 :] if event.name != "progress"]
    assert [event.id for event in rest if event.name != "progress"] == lasting
    assert set(event.id for event in rest) <= set(ids)
    assert not {ids[cut]} & {event.id for event in rest if event.name != "progress"}


def test_progress_tells_only_the_latest_and_not_what_was_told():
    running = replace(NEW, status="processing", attempt=1, attempt_started_at=NOON, progress=40)
    position, event = events_of(running)[-1]
    assert event.data["progress_percentage"] == 40 and Position.parse(event.id) == position
    feed = TaskFeed("id", position)
    feed.see(running)
    assert not feed.fresh
    feed.see(replace(running, progress=30))  # it may go back
    assert [event.data["progress_percentage"] for event in feed.fresh] == [30]


@pytest.mark.parametrize("text", ["x", "1", "1.5", "1.2", "1.1.0123456789ab", "1.2.xyz", "-1.0", "1.0\n", "999999.1"])
def test_an_id_that_was_never_given_is_refused(text):
    with pytest.raises(BadPosition):
        Position.parse(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)), st.uuids())
def test_the_place_of_an_end_survives_its_writing(at, number):
    try:
        assert End.parse(str(End(at, str(number)))) == End(at, str(number))
    except BadPosition:
        assert at > datetime(5000, 1, 1, tzinfo=UTC)  # more digits than are taken


@pytest.mark.parametrize("text", ["x", "1-2", "9" * 18 + "-" + "f" * 8, "1.2"])
def test_a_place_that_was_never_given_is_refused(text):
    with pytest.raises(BadPosition):
        End.parse(text)


def test_a_dashboard_that_missed_too_much_is_told_to_read_the_list():
    feed = DashboardFeed(End(NOON))
    many = [(End(NOON + timedelta(seconds=n)), Event("ended", {"n": n}, "x")) for n in range(MOST_REPLAYED + 1)]
    horizon = End(NOON + timedelta(hours=1))
    feed.see(many, horizon)
    assert [event.name for event in feed.fresh] == ["reset"] and feed.place == horizon
    feed.see(many[:2], horizon)
    assert [event.name for event in feed.fresh] == ["reset", "ended", "ended"]


def test_an_event_is_written_as_the_standard_has_it():
    assert Event("ended", {"text": "two\nlines"}, "1.4").encode() == (
        'id: 1.4\nevent: ended\ndata: {"text":"two\\nlines"}\n\n'
    )


class Holder:
    """Something that can be forgotten."""


def test_slots_are_bounded_by_user_and_together_and_come_back(settings):
    settings.TASK_STREAMS = STREAMS_PER_USER + 1
    slots, holders = Slots(), [Holder() for _ in range(STREAMS_PER_USER + 1)]
    give_back = [slots.take(holder, 1) for holder in holders[:STREAMS_PER_USER]]
    with pytest.raises(Full) as full:
        slots.take(Holder(), 1)
    assert full.value.mine
    other = slots.take(holders[-1], 2)
    with pytest.raises(Full) as full:
        slots.take(Holder(), 3)
    assert not full.value.mine
    give_back[0]()
    give_back[0]()  # once is enough, twice changes nothing
    assert slots.taken.total() == STREAMS_PER_USER
    other()
    holders.clear()  # forgotten without being closed
    assert slots.taken.total() == 0
