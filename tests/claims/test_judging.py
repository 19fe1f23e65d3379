"""What sentences say of a claim, and the verdict they make together."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.artifacts import ArtifactError
from claims import judging
from claims.judging import artifact, gathering, published
from claims.judging.decision import LABELS
from claims.judging.forest import Forest
from claims.reading import pairs, turns
from claims.reading.parsed import Parsed
from claims.reading.words import stem, words_of
from claims.retrieval import Candidate

CLAIM = "Aspirin reduces fever."
FOR, AGAINST, ELSEWHERE = "Aspirin reduces fever.", "Aspirin does not reduce fever.", "Bees make honey from nectar."
WORDS = st.lists(st.sampled_from("aspirin does not reduce increases fever 12 % of patients in Norway never".split()))
SENTENCES = st.lists(WORDS.map(" ".join), min_size=1, max_size=5)


def stances(claim, *sentences):
    return judging.judge(claim, [Candidate(1, at, text) for at, text in enumerate(sentences)])


def verdict(claim, *sentences):
    return judging.aggregate(stances(claim, *sentences))


def compared(claim, sentence):
    lexicon = published.reader().lexicon
    return dict(zip(pairs.FEATURES, pairs.compare(Parsed(claim, lexicon), Parsed(sentence, lexicon)), strict=True))


def test_a_negation_turns_what_a_sentence_says():
    plain, denied = compared(CLAIM, FOR), compared(CLAIM, AGAINST)
    assert (plain["negated_once"], denied["negated_once"], denied["coverage"]) == (0, 1, 1)
    [supports], [refutes] = stances(CLAIM, FOR), stances(CLAIM, AGAINST)
    assert supports.polarity > 0 > refutes.polarity


def test_less_where_the_claim_says_more_stands_against_it():
    assert compared("Salt increases pressure", "Salt decreases pressure")["other_direction"] > 0
    assert compared("Salt increases pressure", "Salt decreases pressure")["same_direction"] == 0
    assert compared("Salt increases pressure", "Salt does not decrease pressure")["same_direction"] > 0


def test_another_number_is_seen():
    found = compared("In 1984, 12 % of patients died", "In 1984, 21 % of patients died")
    assert (found["numbers_covered"], found["numbers_missing"], found["numbers_instead"]) == (1, 1, 1)


def test_a_claim_is_not_judged_by_its_words_alone():
    lexicon = published.reader().lexicon
    claim = Parsed("Aspirin never reduces fever.", lexicon)
    assert dict(turns.terms_of(claim, claim)) == {}


def test_without_evidence_there_is_not_enough():
    found = judging.aggregate([])
    assert (found.label, found.confidence, found.deciding) == ("NOT_ENOUGH_INFO", 1.0, ())


def test_what_speaks_of_something_else_is_not_enough():
    assert verdict(CLAIM, ELSEWHERE).label == "NOT_ENOUGH_INFO"


def test_one_side_decides_and_both_sides_make_a_dispute():
    assert (verdict(CLAIM, FOR, ELSEWHERE).label, verdict(CLAIM, AGAINST).label) == ("SUPPORTED", "REFUTED")
    found = verdict(CLAIM, FOR, AGAINST, ELSEWHERE)
    assert (found.label, sorted(found.deciding)) == ("DISPUTED", [0, 1])


@settings(max_examples=25, deadline=None)
@given(WORDS.map(" ".join), SENTENCES)
def test_chances_sum_to_one_and_the_confidence_is_one_of_a_chance(claim, sentences):
    for one in (seen := stances(claim, *sentences)):
        assert sum(one.probabilities.values()) == pytest.approx(1)
    found = judging.aggregate(seen)
    assert sum(found.probabilities.values()) == pytest.approx(1) and set(found.probabilities) == set(LABELS)
    assert 0 <= found.confidence <= 1 and set(found.deciding) <= set(range(len(sentences)))


@settings(max_examples=25, deadline=None)
@given(SENTENCES, st.randoms())
def test_the_order_of_sentences_does_not_matter(sentences, random):
    shuffled = random.sample(sentences, len(sentences))
    one, other = verdict(CLAIM, *sentences), verdict(CLAIM, *shuffled)
    assert one.label == other.label and one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_words_share_stems_and_numbers_have_values():
    assert {stem(one) for one in ("increase", "increases", "increased", "increasing")} == {"increas"}
    read = {one.form: one.value for one in words_of("Two of 1,234.5 patients’ 3,5 % fell")}
    assert (read["two"], read["1,234.5"], read["3,5"], read["patients"]) == (2, 1234.5, 3.5, None)


def test_verdicts_name_the_models_they_rest_on():
    found = judging.model_versions()
    assert set(found) == {"ranker", "judge"} and all(len(one["sha256"]) == 64 for one in found.values())
    assert len(gathering.FEATURES) == len(gathering.gather(_weighed()))


def test_a_model_that_was_changed_is_refused(tmp_path):
    source = published.path_of("v1")
    for suffix in (".json", ".npz"):
        shutil.copy(source.with_suffix(suffix), tmp_path / f"one{suffix}")
    about = json.loads((tmp_path / "one.json").read_text())
    artifact.load(tmp_path / "one.json")
    (tmp_path / "one.json").write_text(json.dumps(about | {"version": "v9"}))
    with pytest.raises(ArtifactError, match="hash"):
        artifact.load(tmp_path / "one.json")
    (tmp_path / "one.json").write_text(json.dumps(about))
    (tmp_path / "one.npz").write_bytes((tmp_path / "one.npz").read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="not the one"):
        artifact.load(tmp_path / "one.json")


def test_a_tree_that_leads_in_circles_is_refused():
    leaf = {"feature": [0, 0], "threshold": [0.0, 0.0], "left": [1, -1], "right": [1, 0], "value": [[1.0], [1.0]]}
    with pytest.raises(ValueError, match="leads back"):
        Forest.read({"roots": np.array([0])} | {name: np.array(found) for name, found in leaf.items()}, 1)


def _weighed():
    from claims.judging.decision import weighed

    return weighed(stances(CLAIM, FOR))
