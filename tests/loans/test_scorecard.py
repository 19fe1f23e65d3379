import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.artifacts import ArtifactError, content_hash
from features.definitions import feature_sets, used_by
from loans.inputs import Application, card_inputs, payment_to_income
from loans.published import FOLDER, UnknownScorecard, scorecard, scorecard_by_sha256
from loans.scorecard import InvalidInput, Scorecard

PUBLISHED = FOLDER / "scorecard-v2.json"
CARD, OLD = scorecard(), scorecard("v1")
BEHAVIOUR = CARD.cards["behaviour"]
NAMES = [one.name for one in BEHAVIOUR.characteristics]
numbers = st.none() | st.floats(-1e6, 1e6)
known = st.fixed_dictionaries({name: numbers for name in NAMES}).map(lambda one: one | {"event_count_180d": 40.0})
anything = st.fixed_dictionaries({name: numbers for name in [*NAMES, "event_count_180d"]})


def published() -> dict:
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def republished(artifact: dict) -> Scorecard:
    return Scorecard.from_artifact(artifact | {"sha256": content_hash(artifact)})


@given(anything)
def test_the_parts_add_up_to_the_score(inputs):
    scored = CARD.score(inputs)
    card = CARD.cards[scored.card]
    assert scored.total_points == card.offset + sum(line.points for line in scored.lines) == card.total(inputs)
    assert scored.total_points == scored.base_credit_score + scored.trust_boost
    assert scored.final_credit_score == min(100, max(0, scored.total_points))
    earned = sum(line.points for line in scored.lines if line.part == "behaviour")
    assert scored.trust_boost == earned - card.neutral
    assert 0 <= scored.trust_score <= 1 and scored.base_credit_score >= 0


@given(known, st.sampled_from(NAMES), numbers)
def test_a_better_bin_never_lowers_the_score(inputs, name, other):
    before, after = CARD.score(inputs), CARD.score(inputs | {name: other})
    gained = BEHAVIOUR.characteristics[NAMES.index(name)].line(other).points
    gained -= BEHAVIOUR.characteristics[NAMES.index(name)].line(inputs[name]).points
    assert after.total_points - before.total_points == gained
    assert (after.probability_of_default < before.probability_of_default) == (gained > 0)


@given(anything)
def test_reasons_are_ranked_by_points_lost_and_at_most_four(inputs):
    scored = CARD.score(inputs)
    lost = {}
    for line in scored.lines:
        lost[line.reason.code] = line.lost + lost.get(line.reason.code, 0)
    ranked = [reason.points_lost for reason in scored.reasons]
    assert ranked == [lost[reason.code] for reason in scored.reasons]
    assert len(ranked) <= 4 and len({reason.code for reason in scored.reasons}) == len(ranked)
    assert ranked == sorted(ranked, reverse=True) and all(ranked)
    left_out = [points for code, points in lost.items() if code not in {one.code for one in scored.reasons}]
    assert len(ranked) == 4 or not any(left_out)
    assert not ranked or max(left_out, default=0) <= ranked[-1]


def test_the_best_borrower_has_no_reasons_and_all_the_trust():
    best = {"event_count_180d": 40.0}
    for one in BEHAVIOUR.characteristics:
        probes = [None, -1e9, *one.edges]
        best[one.name] = max(probes, key=lambda value, one=one: one.line(value).points)
    scored = CARD.score(best)
    assert (scored.reasons, scored.trust_score, scored.final_credit_score) == ((), 1.0, 100)
    assert scored.trust_boost > 0


def test_behaviour_that_says_nothing_moves_nothing():
    """Missing values are too rare in the loans to be judged, so they are worth what an average borrower is."""
    scored = CARD.score({"event_count_180d": 40.0, "second_holder": 1.0})
    assert abs(scored.trust_boost) <= len(BEHAVIOUR.characteristics) / 2  # whole points


def test_a_second_holder_is_worth_points_and_not_knowing_is_the_average():
    shared, single, unknown = (
        CARD.score(card_inputs(Application(24_000, second_holder=one), {})).total_points for one in (True, False, None)
    )
    assert single < unknown < shared


@pytest.mark.parametrize("one", BEHAVIOUR.characteristics, ids=NAMES)
def test_an_edge_belongs_to_the_bin_above_it(one):
    for index, edge in enumerate(one.edges):
        assert one.line(math.nextafter(edge, -math.inf)).bin == index
        assert one.line(edge).bin == index + 1


@pytest.mark.parametrize("one", BEHAVIOUR.characteristics, ids=NAMES)
def test_a_missing_value_gets_the_missing_bin_and_its_own_reason(one):
    line = one.line(None)
    assert (line.bin, line.points, line.reason) == (None, one.missing_points, one.missing_reason)
    if one.part == "behaviour":
        assert line.reason.text == "Insufficient bank account history"


def test_points_lost_for_one_reason_are_counted_together():
    inputs = {"event_count_180d": 40.0}
    [history, holder] = CARD.score(inputs).reasons
    gone = [line.lost for line in CARD.score(inputs).lines if line.part == "behaviour"]
    assert (history.code, history.points_lost) == ("H01", sum(gone)) and holder.code == "H02"
    [as_first_published] = OLD.score(inputs).reasons
    assert as_first_published.points_lost == max(line.lost for line in OLD.score(inputs).lines)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value):
    with pytest.raises(InvalidInput, match="balance_last"):
        CARD.score({"event_count_180d": 40.0, "balance_last": value})


def test_a_word_where_a_number_belongs_is_refused():
    with pytest.raises(InvalidInput, match="no number"):
        CARD.score({"event_count_180d": 40.0, "balance_last": "plenty"})


def test_without_history_the_application_card_decides():
    scored = CARD.score(card_inputs(Application(240_000), {}))
    assert (scored.card, scored.trust_score, scored.trust_boost) == ("application", 0.0, 0)
    assert scored.base_credit_score == scored.total_points
    thin = CARD.score(card_inputs(Application(240_000), {"event_count_180d": CARD.min_events - 1}))
    assert thin == scored


def test_the_scale_is_the_documented_one():
    odds = {points: 1 / CARD.scale.probability_of_default(points) - 1 for points in (64, 70, 76)}
    assert odds == {64: pytest.approx(4.5), 70: pytest.approx(9), 76: pytest.approx(18)}
    assert CARD.scale.points(math.log(18)) == pytest.approx(76)


def test_reasons_are_specific_and_no_two_are_alike():
    reasons = {one.reason for card in CARD.cards.values() for one in card.characteristics}
    assert len({one.code for one in reasons}) == len({one.text for one in reasons}) == len(reasons)
    for reason in reasons:
        assert not any(word in reason.text.lower() for word in ("policy", "score", "points", "standards"))


def test_asking_for_more_never_helps():
    features = {
        "event_count_180d": 60, "inflow_sum_180d": 120_000, "balance_min_all": 2000.0, "balance_mean_180d": 30_000.0,
        "balance_min_180d": 3000.0, "balance_last": 25_000.0, "received_mean_180d": 6000.0,
        "remittance_sum_180d": -9000.0
    }  # fmt: skip
    for known_features in (features, {}):
        scores = [
            CARD.score(card_inputs(Application(amount), known_features)).total_points
            for amount in range(1_000, 600_000, 1_000)
        ]
        assert scores == sorted(scores, reverse=True)


def test_card_inputs_combine_the_application_with_the_features():
    features = {"event_count_180d": 9, "inflow_sum_180d": 60_000, "balance_min_all": -500, "balance_mean_180d": None}
    inputs = card_inputs(Application(requested_amount=24_000), features)
    assert inputs["monthly_payment"] == 1000  # 24 months unless said otherwise
    assert inputs["payment_to_income_180d"] == pytest.approx(0.1)
    assert inputs["lowest_balance_cover_all"] == -0.5
    assert inputs["mean_balance_cover_180d"] is None
    assert inputs["cash_deposit_max_180d"] == 0
    assert (inputs["second_holder"], inputs["customer_months"], inputs["burden_180d"]) == (None, None, None)
    told = card_inputs(Application(24_000, 24, True, 731), features | {"remittance_sum_180d": -24_000})
    assert (told["second_holder"], told["burden_180d"]) == (1.0, pytest.approx(0.5))
    assert told["customer_months"] == pytest.approx(24, abs=0.05)


@given(st.floats(0.01, 1e9), st.none() | st.floats(-1e9, 1e9))
def test_payment_to_income_is_bounded_and_the_worst_without_income(payment, inflow):
    share = payment_to_income(payment, inflow)
    assert share is None if inflow is None else 0 <= share <= 10
    assert inflow is None or inflow > 0 or share == 10


@given(st.data())
def test_a_changed_artifact_is_refused(data):
    artifact = published()
    one = data.draw(st.sampled_from(artifact["cards"]["behaviour"]["characteristics"]))
    index = data.draw(st.integers(0, len(one["points"]) - 1))
    one["points"][index] += data.draw(st.integers(-5, 5).filter(bool))
    with pytest.raises(ArtifactError, match="hash"):
        Scorecard.from_artifact(artifact)


def first(artifact: dict) -> dict:
    return artifact["cards"]["behaviour"]["characteristics"][0]


BROKEN = {
    "a card is gone": lambda artifact: artifact["cards"].pop("application"),
    "the odds are gone": lambda artifact: artifact["scale"].pop("base_odds"),
    "the odds are zero": lambda artifact: artifact["scale"].update(base_odds=0),
    "a bin has no points": lambda artifact: first(artifact)["points"].pop(),
    "edges fall": lambda artifact: first(artifact).update(edges=[0.5, 0.2], points=[0, 1, 2]),
    "a level is in two bins": lambda artifact: first(artifact).update(edges=[], levels=[["a"], ["a"]]),
    "points are not whole": lambda artifact: first(artifact)["points"].__setitem__(0, 1.5),
    "points are negative": lambda artifact: first(artifact).update(missing_points=-1),
    "the part is unknown": lambda artifact: first(artifact).update(part="horoscope"),
    "the format is another": lambda artifact: artifact.update(format="scorecard/9"),
    "a reason has no text": lambda artifact: first(artifact)["reason"].pop("text"),
}


@pytest.mark.parametrize("break_it", BROKEN.values(), ids=BROKEN)
def test_a_wrong_shape_is_refused_even_with_a_right_hash(break_it):
    artifact = published()
    break_it(artifact)
    with pytest.raises(ArtifactError):
        republished(artifact)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": NaN}'])
def test_a_file_that_is_no_scorecard_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ArtifactError):
        Scorecard.load(tmp_path / "card.json")


def test_scoring_needs_only_the_standard_library():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('numpy', 'sklearn', 'scipy', 'pyarrow', 'django')));"
        "from loans.published import scorecard; scorecard(); import loans.inputs, loans.synthetic"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PUBLISHED.parents[2])


@given(anything)
def test_the_same_inputs_give_the_same_answer(inputs):
    assert Scorecard.load(PUBLISHED).score(inputs) == CARD.score(dict(reversed(inputs.items())))


def test_the_catalogue_knows_which_sets_the_scorecard_uses():
    fitted_on = {f"{one['name']}@{one['version']}" for one in published()["feature_sets"]}
    declared = {s.label() for s in feature_sets() if "loans.scorecard" in [use.name for use in used_by(s)]}
    assert declared == fitted_on == {"core_behavioral@v1", "account_conduct@v1", "cash_flow@v1"}


def test_words_are_binned_by_level_and_an_unknown_one_counts_as_missing():
    artifact = published()
    first(artifact).update(edges=[], levels=[["a", "b"], ["c"]], points=[0, 9], missing_points=4)
    one = republished(artifact).cards["behaviour"].characteristics[0]
    assert [one.line(value).points for value in ("a", "b", "c", "d", None)] == [0, 0, 9, 4, 4]
    assert (one.line("c").bin, one.line("d").bin, one.line("d").value) == (1, None, "d")


def test_an_old_card_is_found_by_its_hash_and_scores_as_it_did():
    """A decision keeps the hash, the application and the features it was made from."""
    assert scorecard_by_sha256(OLD.sha256) is OLD and scorecard_by_sha256(CARD.sha256) is CARD
    assert OLD.sha256 == "d3d99f20ba3af8735b6352b9caf52e5dc64c3f8307f6183945903ebd60f51933"
    features = {
        "event_count_180d": 60.0,
        "balance_min_all": 200.0,
        "balance_mean_180d": 30_000.0,
        "failure_ratio_180d": 0.0,
    }
    scored = OLD.score(card_inputs(Application(240_000), features))
    assert (scored.version, scored.card, scored.total_points) == ("v1", "behaviour", 51)
    assert [one.code for one in scored.reasons] == ["B01", "H01", "B02", "A01"]
    with pytest.raises(UnknownScorecard):
        scorecard_by_sha256("0" * 64)
