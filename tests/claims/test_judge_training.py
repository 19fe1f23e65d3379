"""A judge is fitted to small sets, judged on claims it has not seen, and published with its report."""

import json
from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn", reason="training needs requirements/science.txt, which serving does not install")
pa = pytest.importorskip("pyarrow", reason="training needs requirements/science.txt, which serving does not install")

from django.core.management import CommandError, call_command  # noqa: E402

from audit.models import Entry  # noqa: E402
from claims.judging import artifact  # noqa: E402
from claims.judging.decision import decided  # noqa: E402
from claims.judging.stances import stances_of  # noqa: E402
from claims.judging.training import cases, fitting, measures  # noqa: E402
from claims.retrieval import Candidate  # noqa: E402

THINGS = "aspirin zinc honey garlic ginger salt iron copper nickel silver quartz amber".split()
EFFECTS = "fever cough pain sleep growth memory vision hearing appetite digestion".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """SciFact and FEVER-Symmetric in small: a thing raises or lowers something, or nobody knows."""
    from pyarrow import parquet

    root = tmp_path_factory.mktemp("sets")
    corpus, claims, symmetric = [], [], []
    for at, thing in enumerate(THINGS):
        for number, effect in enumerate(EFFECTS[:3]):
            key = at * 10 + number
            said = [f"We gave {thing} to patients.", f"We found that {thing} increases {effect} in patients."]
            corpus.append({"doc_id": key, "title": f"{thing} and {effect}", "abstract": said, "structured": False})
            label, verb = [("SUPPORT", "increases"), ("CONTRADICT", "decreases"), (None, "prevents")][number % 3]
            text = f"{thing.title()} {verb} {effect if label else EFFECTS[8]}."
            marked = {str(key): [{"sentences": [1], "label": label}]} if label else {}
            claims.append({
                "id": key, "claim": text, "label": label or "NOT_ENOUGH_INFO", "evidence": json.dumps(marked),
                "cited_doc_ids": [key],
            })  # fmt: skip
            for answer, verb in (("SUPPORTS", "is"), ("REFUTES", "is not")):
                symmetric.append({"id": f"{key}{verb}", "claim": f"{thing} {verb} good for {effect}",
                                  "evidence": f"{thing} is good for {effect}", "gold_label": answer})  # fmt: skip
    for name, rows in (
        ("scifact/corpus", corpus),
        ("scifact/claims_train", claims),
        ("fever_symmetric/dev", symmetric),
    ):
        (root / name).parent.mkdir(exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows), root / f"{name}.parquet")
    return root


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(fitting.Recipe, "__init__", _smaller(fitting.Recipe.__init__))


def _smaller(made):
    def init(self, **more):
        made(self, **({"trees": 10, "verdict_trees": 10, "inner": 2} | more))

    return init


def train(folder, output):
    call_command("train_claim_judge", "--data", str(folder), "--output", str(output), "--folds", "2", "--draws", "5")
    return artifact.load(output)


def test_a_training_writes_a_judge_with_its_report_the_same_each_time(folder, tmp_path, small, db):
    made, again = train(folder, tmp_path / "one.json"), train(folder, tmp_path / "two.json")
    assert made.about["sha256"] == again.about["sha256"]
    report = json.loads((tmp_path / "one.report.json").read_text())
    assert report["sets"]["scifact"]["accuracy"] > 0.7 and report["retrieval"]["trained"]["recall_10"] > 0.9
    assert report["leaks"] == {"documents_in_two_folds": 0, "claims_in_two_folds": 0}
    page = (tmp_path / "one.report.html").read_text()
    assert "Macro-F1" in page and "aspirin" not in page
    assert Entry.objects.filter(action="claim_judge_trained").count() == 2
    stances = stances_of("Zinc increases fever.", [Candidate(1, 0, "We found that zinc increases fever.")], made)
    assert decided(stances, made).label == "SUPPORTED"


def test_a_folder_without_sets_is_said_to_be_one(tmp_path):
    with pytest.raises(CommandError, match="holds none of"):
        call_command("train_claim_judge", "--data", str(tmp_path))


def test_claims_that_share_a_text_stay_in_one_fold(folder):
    found = cases.read(folder).cases
    fold = cases.folds_of(found, 3, seed=1)
    of = {}
    for one, number in zip(found, fold.tolist(), strict=True):
        of.setdefault(one.group, set()).add(number)
    assert all(len(folds) == 1 for folds in of.values()) and len(set(fold.tolist())) == 3
    assert cases.connected([["a", "b"], ["c"], ["b", "d"], ["d"]]) == [0, 1, 0, 0]


def test_a_strange_text_is_no_evidence(folder):
    found = cases.read(folder).cases
    strange = cases.crossed(found, seed=1)
    assert strange and {one.label for one in strange} == {"NOT_ENOUGH_INFO"}
    own = {(one.claim, one.texts[0].sentences) for one in found}
    assert not own & {(one.claim, one.texts[0].sentences) for one in strange}


def test_measures_are_what_their_names_say():
    truth, guess = np.array(list("aabb")), np.array(list("abbb"))
    assert measures.macro_f1(truth, guess) == pytest.approx((2 / 3 + 4 / 5) / 2)
    sure, right = np.array([0.9, 0.9, 0.5, 0.5]), np.array([True, True, True, False])
    assert measures.surest(sure, right, 0.5) == 1 and measures.calibration_error(sure, right) == pytest.approx(0.05)
    assert measures.f1(2, 4, 5) == pytest.approx(4 / 9) and measures.f1(0, 0, 0) == 0


def test_a_calibrated_chance_is_as_often_right():
    generator = np.random.default_rng(1)
    chances = generator.dirichlet([1, 1, 1, 1], 4000)
    labels = np.array(fitting.LABELS)[[generator.choice(4, p=row) for row in chances]]
    sharp = chances**2 / (chances**2).sum(axis=1, keepdims=True)
    found = fitting.calibrate(sharp, labels, np.ones(4000)).chances(sharp)
    assert np.abs(found - chances).mean() < 0.03
    assert replace(fitting.Recipe(), seed=2).seed == 2
