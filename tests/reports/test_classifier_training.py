"""A classifier is fitted, judged, published and refused when changed; what reviewers decide changes it."""

import json

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn", reason="training needs requirements/science.txt, which serving does not install")
pytest.importorskip("pyarrow", reason="training needs requirements/science.txt, which serving does not install")

from django.core.management import call_command  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as arrays  # noqa: E402

from base.artifacts import ArtifactError  # noqa: E402
from reports.classification import artifact, corrections, published, serving  # noqa: E402
from reports.classification.training import measures  # noqa: E402
from reports.classification.training.fitting import Lesson, Recipe, calibration, fit  # noqa: E402
from reports.classification.training.names import COMMON, names_in  # noqa: E402
from reports.classification.training.samples import Sample, groups  # noqa: E402
from reports.classification.training.terms import terms_of  # noqa: E402
from reports.classification.training.wording import coarse_of, free_text  # noqa: E402
from tests.reports.generated import write_sets  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_sets(tmp_path_factory.mktemp("sets"))


def train(folder, output, *more):
    call_command("train_report_classifier", "--data", str(folder), "--output", str(output), "--folds", "2",
                 "--draws", "5", *more)  # fmt: skip
    return artifact.load(output)


def test_a_training_writes_a_classifier_with_its_report_and_no_text_of_anybody(folder, tmp_path, db):
    made = train(folder, tmp_path / "one.json")
    guess = serving.classify(["A deep pothole in the asphalt"], using=made)[0]
    assert (guess.category, guess.department, guess.sha256) == ("road_surface", "public_works", made.sha256)
    assert guess.words[0][0] in ("pothole", "asphalt") and guess.words[0][1] > 0
    report = json.loads((tmp_path / "one.report.json").read_text())
    assert [one["trial"] for one in report["trials"]] == [
        "product", "atlanta_description", "atlanta_both", "three_cities", "transfer",
        "three_cities_by_place",
    ]  # fmt: skip
    assert min(one["accuracy"] for one in report["trials"]) > 0.9
    page = (tmp_path / "one.report.html").read_text()
    assert "Macro-F1" in page and "please fix" not in page


def test_what_reviewers_decided_changes_the_next_classifier(folder, tmp_path, filed):
    words = "A zeppelin moored to the fountain"
    filed.title, filed.description = words, words
    filed.save()
    before = train(folder, tmp_path / "before.json", "--only-product")
    for number in range(6):
        other = type(filed).objects.create(
            title=words, description=f"zeppelin {number}", latitude=1, longitude=1, cell="x"
        )
        corrections.record(report=other, category="parks", by=None)
    after = train(folder, tmp_path / "after.json", "--only-product", "--from-corrections")
    was, then = (serving.classify([words], using=made)[0] for made in (before, after))
    assert was.category != "parks" and then.category == "parks"
    assert after.about["training"]["corrections"] == 6 and before.sha256 != after.sha256


def test_a_changed_artifact_is_refused(folder, tmp_path, db):
    train(folder, tmp_path / "one.json", "--only-product")
    about = json.loads((tmp_path / "one.json").read_text())
    (tmp_path / "one.json").write_text(json.dumps(about | {"threshold": 0.1}))
    with pytest.raises(ArtifactError, match="changed"):
        artifact.load(tmp_path / "one.json")
    (tmp_path / "one.json").write_text(json.dumps(about))
    numbers = bytearray((tmp_path / "one.npz").read_bytes())
    numbers[len(numbers) // 2] ^= 1
    (tmp_path / "one.npz").write_bytes(numbers)
    with pytest.raises(ArtifactError, match="not the one"):
        artifact.load(tmp_path / "one.json")


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(np.float64, (40, 3), elements=st.floats(-4, 4)), st.lists(st.integers(0, 2), min_size=40, max_size=40)
)
def test_calibration_never_says_something_less_likely_than_the_bare_scores_do(scores, truth):
    slope, offsets = calibration(scores, truth, shares=True)

    def surprise(odds):
        odds = odds - odds.max(axis=1, keepdims=True)
        return -(odds - np.log(np.exp(odds).sum(axis=1, keepdims=True)))[np.arange(len(truth)), truth].sum()

    assert surprise(slope * scores + offsets) <= surprise(scores) + 1e-6 and np.isfinite(offsets).all()


def test_serving_computes_what_was_fitted_and_the_words_add_up_to_it():
    lessons = [Lesson(text, label) for text, label in [("big hole", "a"), ("tall tree", "b"), ("wet hole", "a"),
               ("old tree", "b"), ("hole hole", "a")] * 3]  # fmt: skip
    model = fit(lessons, Recipe(word_in=1, piece_in=1), {})
    text = "A tall hole, a big old hole in the tree"
    first, second = model.scores([text])[0] - model.bias
    assert sum(worth for _, worth in model.explain(text, "a", "b")) == pytest.approx(first - second, abs=1e-4)


def test_texts_of_one_place_or_with_the_same_words_stay_together():
    def told(text, cell):
        return Sample("x", text, "", None, None, cell)

    told_by = [told("a b c d", (1, 1)), told("e", (1, 1)), told("A, b: c d!", (2, 2)), told("e", (3, 3))]
    found = groups(told_by)
    assert found[0] == found[1] == found[2] != found[3]
    found = groups(told_by, by=("words",))
    assert found[0] == found[2] != found[1] == found[3]


def test_figures_say_how_far_probabilities_are_from_what_is_right():
    sure = measures.Judged(("a", "b"), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), np.full(4, 0.9), np.arange(4))
    assert measures.calibration_error(sure) == pytest.approx(0.15)
    assert measures.threshold_for(sure, 0.75) == 0.9 and measures.threshold_for(sure, 0.8) == 1


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("Make of the abandoned car: FORD | Additional Details/Comments: flat tires", "flat tires"),
        ("How is the car parked illegally? Fire lane | Details: all day | Color: Red", "all day"),
        ("Unshovelled location: [Sidewalk]   Details:  [sheet of ice ]", "sheet of ice"),
        ("Note: my details: none", "Note: my details: none"),
    ],
)
def test_only_what_a_person_wrote_is_left_of_a_form(text, free):
    assert free_text(text) == free


def test_names_are_words_that_carry_a_capital_inside_a_sentence_and_the_common_ones():
    texts = ["Please call Menino about this", "I told Menino. Trees fell", "STREET LIGHT OUT", "the light is out"]
    found = names_in(texts)
    assert {"menino", "david"} <= found and not {"trees", "street", "light"} & found


def test_a_term_stands_in_texts_of_several_places_and_holds_no_name():
    texts = ["hole by margaret", "hole by margaret", "hole again", "again"]
    here = [("here", 1), ("here", 1), ("here", 2), ("there", 1)]
    assert [*terms_of(texts, here, word_in=2, piece_in=9).places] == ["again", "hole"]
    assert [*terms_of(texts, here, word_in=2, piece_in=9, cities=2).places] == ["again"]
    found = terms_of(texts, word_in=2, piece_in=2, without={"margaret"}).places
    assert "by" in found and not {"margaret", "by margaret", "#marga"} & {*found}


def test_the_published_vocabulary_holds_no_common_name_and_no_word_of_one_city():
    shipped = {word for term in published.classifier("v1").model.terms for word in term.split()}
    names = {*COMMON, "menino", "walsh", "asplundh", "rosadelauroexposed", "hgej", "rpps"}
    assert not shipped & (names | {f"#_{name}_" for name in names})


def test_streets_are_no_trees():
    assert coarse_of("Street Sweeping") == "sanitation" and coarse_of("Tree Trimming") == "tree"
