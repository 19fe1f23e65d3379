"""Bins, weights and points, and that they are made from the cases at hand alone."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy", reason="training needs numpy and scikit-learn, which serving does not install")
pytest.importorskip("sklearn", reason="training needs numpy and scikit-learn, which serving does not install")
optimize = pytest.importorskip("scipy.optimize", reason="training needs scipy, which serving does not install")

from base.artifacts import content_hash  # noqa: E402
from loans.scorecard import Reason, Scorecard, parse_card  # noqa: E402
from loans.training import binning, validation  # noqa: E402
from loans.training.binning import Settings, bins_of, cut, pooled, weight_of_evidence  # noqa: E402
from loans.training.candidates import CANDIDATES, candidates_of  # noqa: E402
from loans.training.card import TooFewCases  # noqa: E402
from loans.training.fitting import fit_card, logistic, totals  # noqa: E402
from loans.training.table import Candidate  # noqa: E402
from tests.loans.cases import QUICK, SUBJECT, fitted, invented_rows, table  # noqa: E402

SAID = Reason("X1", "Something")
columns = st.lists(st.none() | st.integers(0, 30) | st.floats(-1e6, 1e6), min_size=40, max_size=200)


@pytest.fixture(scope="module")
def made():
    return fitted()


def characteristic(trend: str) -> Candidate:
    return Candidate("x", trend, "", SAID, SAID)


def column(values):
    return np.array([np.nan if value is None else float(value) for value in values])


@settings(max_examples=60, deadline=None)
@given(columns, st.randoms(use_true_random=False), st.sampled_from(["rising", "falling"]))
def test_evidence_follows_the_declared_trend_whatever_the_cases_say(values, rng, trend):
    bad = np.array([int(rng.random() < 0.3) for _ in values])
    bins = bins_of(column(values), bad, characteristic(trend), QUICK)
    known = bins.evidence[:-1] if trend == "rising" else -bins.evidence[:-1]
    assert (np.diff(known) >= -1e-9).all() and np.isfinite(bins.evidence).all()


@settings(max_examples=60, deadline=None)
@given(columns)
def test_bins_are_few_rise_and_hold_enough(values):
    edges = cut(column(values), QUICK)
    known = column(values)[~np.isnan(column(values))]
    assert len(edges) < QUICK.bins and (np.diff(edges) > 0).all()
    inside = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    assert not len(edges) or inside.min() >= QUICK.min_share * len(known)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1))
def test_pooling_never_falls_and_keeps_the_average(pairs):
    values, weights = np.array(pairs).T
    found = pooled(values, weights)
    assert (np.diff(found) >= 0).all()
    assert (found * weights).sum() == pytest.approx((values * weights).sum(), abs=1e-6)


def test_a_value_that_many_share_has_a_bin_of_its_own():
    assert list(cut(np.array([0.0] * 80 + [1.0] * 10 + [5.0] * 10), QUICK)) == [0.5, 3.0]


def test_a_free_characteristic_may_turn():
    values = np.repeat(np.arange(3.0), 100)
    bad = np.concatenate([np.arange(100) < 40, np.arange(100) < 5, np.arange(100) < 40]).astype(int)
    low, middle, high, _ = bins_of(values, bad, characteristic("free"), replace(QUICK, bins=3)).evidence
    assert middle > low and middle > high


def test_levels_have_a_bin_each_and_rare_ones_share_the_missing_one():
    words = np.array(["a"] * 60 + ["b"] * 38 + ["c"] + [None], dtype=object)
    bad = np.array(([1] * 30 + [0] * 30) + [0] * 40)
    bins = bins_of(words, bad, characteristic("levels"), QUICK)
    assert bins.levels == (("a",), ("b",)) and list(bins.locate(words[[0, 60, 98, 99]])) == [0, 1, 2, 2]
    assert bins.evidence[0] < bins.evidence[1]


def test_a_rare_missing_value_earns_what_an_average_borrower_does():
    goods, bads = np.array([90.0, 87.0, 0.0]), np.array([10.0, 10.0, 3.0])
    assert weight_of_evidence(goods, bads, "rising", Settings())[-1] == 0


def test_a_common_missing_value_is_judged():
    goods, bads = np.array([90.0, 90.0, 20.0]), np.array([5.0, 5.0, 20.0])
    assert weight_of_evidence(goods, bads, "rising", Settings())[-1] < -1


def test_the_artifact_is_one_that_the_scorecard_loads_and_it_finds_what_matters(made):
    card = Scorecard.from_artifact(made[0]).cards["behaviour"]
    widest = max(card.characteristics, key=lambda one: one.best_points)
    assert widest.name == "lowest_balance_cover_all"


def test_the_same_rows_in_another_order_give_the_same_artifact(made):
    rows = invented_rows()
    random.Random(5).shuffle(rows)
    assert fitted(rows)[0] == made[0]


def test_another_label_gives_another_hash_of_the_training_data():
    rows = invented_rows()
    changed = [{**rows[0], "bad": not rows[0]["bad"]}, *rows[1:]]
    assert table(rows).sha256() == table().sha256() != table(changed).sha256()


def test_definitions_and_creation_date_are_kept_as_given():
    given = [{"name": "core_behavioral", "version": "v1", "checksum": "abc"}]
    artifact, report = fitted(subject=replace(SUBJECT, definitions=given))
    assert (artifact["feature_sets"], artifact["created_on"]) == (given, "2026-01-01")
    assert report["sha256"] == artifact["sha256"] == content_hash(artifact)
    assert report["training"]["code_sha256"] == artifact["training"]["code_sha256"]


def test_points_follow_the_declared_trend_in_every_bin_and_start_at_nothing(made):
    trends = {one.name: one.trend for one in CANDIDATES}
    for card in made[0]["cards"].values():
        for one in card["characteristics"]:
            assert one["points"] == sorted(one["points"], reverse=trends[one["name"]] == "falling"), one["name"]
            assert min(*one["points"], one["missing_points"]) == 0
            assert len(one["points"]) <= QUICK.bins


def test_a_characteristic_that_would_not_move_the_score_is_left_out(made):
    card = made[0]["cards"]["behaviour"]
    assert 0 < len(card["characteristics"]) < len(candidates_of("behaviour"))
    assert all(max(*one["points"], one["missing_points"]) >= QUICK.min_points for one in card["characteristics"])


def test_column_by_column_gives_the_points_that_the_served_card_gives(made):
    cases = table()
    for name, card in made[0]["cards"].items():
        served = parse_card(name, card)
        assert list(totals(card, cases)) == [served.total(cases.row(index)) for index in range(len(cases))]


def test_a_borrower_is_never_on_both_sides_of_a_fold():
    cases = table([{**row, "borrower_id": f"b{number // 2}"} for number, row in enumerate(invented_rows())])
    held_out = list(validation.folds(cases, 5, seed=1))
    assert np.sum(held_out, axis=0).tolist() == [1] * len(cases)
    for unseen in held_out:
        assert not set(cases.groups[unseen]) & set(cases.groups[~unseen])


def test_nothing_of_the_held_out_loans_is_used():
    """What held-out outcomes say changes nothing in the card that scores them: not its bins, not its choice."""
    cases = table()
    unseen = next(validation.folds(cases, 5, seed=1))
    poisoned = cases.with_bad(np.where(unseen, 1 - cases.bad, cases.bad))
    assert fit_card(poisoned.take(~unseen), CANDIDATES, QUICK) == fit_card(cases.take(~unseen), CANDIDATES, QUICK)


def test_too_few_bad_loans_are_refused():
    with pytest.raises(TooFewCases, match="40 cases with 0 bad"):
        fitted([{**row, "bad": False} for row in invented_rows(40)])


def test_reasons_name_what_the_borrower_can_understand():
    texts = {one.reason.code: one.reason.text for one in CANDIDATES}
    assert all(texts[one.reason.code] == one.reason.text for one in CANDIDATES)
    assert not any(word in text.lower() for text in texts.values() for word in ("score", "policy", "points", "_"))
    assert binning.Settings().bins <= 8 and 25 <= len(CANDIDATES) <= 40


def test_weights_are_the_best_that_are_not_negative():
    """Held against a general optimiser."""
    rng = np.random.default_rng(4)
    coded = rng.normal(size=(300, 6))
    bad = (rng.random(300) < 1 / (1 + np.exp(2 + coded @ np.array([1.0, 0.5, -0.8, 0, 0.2, -0.1])))).astype(int)
    intercept, weights = logistic(coded, bad, 4.0)

    def loss(beta):
        line = (1 - 2 * bad) * (beta[0] + coded @ beta[1:])
        return np.logaddexp(0, -line).sum() + 2 * np.square(beta[1:]).sum()

    second = optimize.minimize(loss, np.zeros(7), method="L-BFGS-B", bounds=[(None, None)] + [(0, None)] * 6)
    assert weights.min() == 0 and loss([intercept, *weights]) <= second.fun + 1e-6
    assert [intercept, *weights] == pytest.approx(second.x, abs=1e-3)
