from datetime import timedelta

import pytest

from base.panels import Tracker, lasting, some


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(milliseconds=4.2), "4.2 ms"),
        (timedelta(milliseconds=340), "340 ms"),
        (timedelta(seconds=2.13), "2.1 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=6), "6 h"),
        (timedelta(days=30), "30 days"),
        (None, ""),
    ],
)
def test_a_span_is_told_in_the_unit_that_fits(span, words):
    assert lasting(span) == words


def test_a_count_that_stopped_says_so():
    assert (some(1_000, 1_000), some(1_001, 1_000)) == ("1,000", "1,000+")


def test_a_tracker_has_fifty_ticks_and_shows_the_smallest_part():
    tracker = Tracker(title="", parts=[("fresh", 999, "good"), ("stale", 1, "warn"), ("none", 0, "idle")])
    tones = [tone for _, tone in tracker.ticks()]
    assert (len(tones), tones.count("warn"), tones.count("idle")) == (50, 1, 0)
    assert Tracker(title="", parts=[("fresh", 0, "good")]).ticks() == []
