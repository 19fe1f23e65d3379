"""What speaks for two reports being about the same thing, and what an artifact must be."""

import json

import numpy as np
import pytest

from base.artifacts import ArtifactError, content_hash
from reports.duplicates import published
from reports.duplicates.finder import Finder, Question, shares
from reports.duplicates.pairs import OF_PAIR, Near, counts, pair_values, shortlist
from reports.duplicates.sketch import place, sketch
from reports.duplicates.training.report import html

CAR = sketch("Black Toyota, plate_1a2b3c, abandoned", "12 Elm St, Dorchester")
SAME = sketch("abandoned car black toyota plate_1a2b3c", "12-14 Elm Street, Dorchester, MA")
OTHER = sketch("White Ford plate_ffffff on the sidewalk", "40 Elm St, Dorchester")


def near(metres, days, *, same=True, still_open=True):
    size = len(metres)
    return Near(
        keys=np.arange(size),
        east=np.array(metres, float),
        north=np.zeros(size),
        days=np.array(days, float),
        same=np.full(size, same),
        open=np.full(size, still_open),
    )


def question(others, metres, days):
    found = near(metres, days)
    return Question(CAR, "vehicle_parking", found, others, ["vehicle_parking"] * len(others), counts(found))


def test_an_address_gives_its_street_and_house_numbers_and_a_crossing_both_streets_in_one_order():
    assert place("12-14 Elm Street, Dorchester, MA") == ("elm st", (12, 14))
    crossing = place("Intersection Of Weld St & Chilton Rd, West Roxbury")
    assert crossing == place("Intersection of Chilton Road & Weld Street") == ("chilton rd st weld", None)
    assert place("") == ("", None)


def test_a_pair_is_told_by_place_time_and_words():
    weights = published.finder().word_weights
    values = pair_values(CAR, [SAME, OTHER], near([3, 90], [0.5, 20]), np.array(["a", "a"]), weights)
    same, other = (dict(zip(OF_PAIR, row, strict=True)) for row in values)
    assert (same["marks_agree"], other["marks_agree"]) == (1, -1)
    assert (same["makes_agree"], other["colours_agree"]) == (1, -1)
    assert (same["same_street"], same["house_numbers_apart"], other["house_numbers_apart"]) == (1, 0, 28)
    assert same["cosine"] > 0.8 > other["cosine"] and other["cosine_behind_best"] < 0


def test_the_same_car_at_the_same_spot_is_likelier_than_another_and_none_of_them_is_possible():
    (answer,) = published.finder().answer([question([SAME, OTHER], [3, 90], [0.5, 20])])
    assert answer.originals[0] > 5 * answer.originals[1]
    assert answer.originals.sum() < answer.probability < 1
    assert shares(np.array([]), 1.0, 0.0).sum() == 0


def test_a_report_with_nothing_near_is_answered_alone_and_among_others_alike():
    finder, alone, full = published.finder(), question([], [], []), question([SAME], [3], [0.5])
    together = finder.answer([alone, full])
    assert finder.answer([]) == []
    assert together[0].probability == finder.answer([alone])[0].probability < together[1].probability
    assert together[0].originals.size == 0


def test_the_shortlist_is_close_recent_and_of_the_category():
    crowd = near([*range(0, 300, 3)], [*range(100)])
    assert shortlist(crowd).keys.tolist() == list(range(20))


@pytest.mark.parametrize("change", [
    lambda a: a.update(flatness=2.0),
    lambda a: a["ranker"]["left"].__setitem__(0, 0),
    lambda a: a.update(format="duplicate-finder/9"),
])  # fmt: skip
def test_a_changed_artifact_is_refused(change):
    artifact = json.loads((published.FOLDER / "duplicates-v1.json").read_text())
    change(artifact)
    with pytest.raises(ArtifactError):
        Finder.from_artifact(artifact)


@pytest.mark.parametrize("change", [
    lambda a: a["ranker"]["right"].__setitem__(-1, 0),
    lambda a: a["ranker"]["inputs"].reverse(),
    lambda a: a["detector"]["value"].pop(),
    lambda a: a["word_weights"].pop(),
])  # fmt: skip
def test_an_artifact_whose_hash_fits_but_whose_shape_does_not_is_refused_too(change):
    artifact = json.loads((published.FOLDER / "duplicates-v1.json").read_text())
    change(artifact)
    with pytest.raises(ArtifactError):
        Finder.from_artifact(artifact | {"sha256": content_hash(artifact)})


def test_the_report_of_the_published_finder_reaches_its_goals_and_reads_as_a_page():
    report = json.loads((published.FOLDER / "duplicates-v1.report.json").read_text())
    assert report["sha256"] == published.finder().sha256
    for found in report["figures"].values():
        assert found["original"]["recall@1"]["value"] >= 0.62 and found["original"]["recall@5"]["value"] >= 0.8
        assert found["detection"]["auc"] >= 0.8
    assert html(report) == (published.FOLDER / "duplicates-v1.report.html").read_text()
