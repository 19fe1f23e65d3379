"""The report holds what it promises, and its checks find a leak that is put in."""

import json
import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest

np = pytest.importorskip("numpy", reason="training needs numpy and scikit-learn, which serving does not install")
metrics = pytest.importorskip("sklearn.metrics", reason="training needs scikit-learn, which serving does not install")

from loans.training import measures  # noqa: E402
from loans.training.report import html  # noqa: E402
from tests.loans.cases import CANDIDATES, SUBJECT, fitted, invented_rows, table  # noqa: E402

APPLICATION_ONLY = replace(SUBJECT, cards={"application": SUBJECT.cards["application"]})


@pytest.fixture(scope="module")
def report():
    return fitted()[1]


def test_every_figure_has_an_interval_around_it(report):
    card = report["cards"]["behaviour"]
    for found in (card["cross_validation"], card["out_of_time"]):
        low, high = found["auc_interval"]
        assert low < found["auc"] < high and found["auc_standard_error"] > 0
        assert {"auc", "ks", "gini", "brier", "calibration_slope"} <= set(found["intervals"])
        assert found["gini"] == pytest.approx(2 * found["auc"] - 1, abs=2e-4)
        assert sum(row["share"] for row in found["calibration"]) == pytest.approx(1, abs=0.01)


def test_earlier_and_later_loans_are_parted_by_the_day(report):
    later = report["cards"]["behaviour"]["out_of_time"]
    days = [row["decision_date"].isoformat() for row in invented_rows()]
    assert later["rows_before"] == sum(day < "1997-01-01" for day in days)
    assert later["rows_after"] == len(days) - later["rows_before"]


def test_bins_hold_every_loan_and_name_stability(report):
    for card in report["cards"].values():
        for one in card["characteristics"]:
            assert sum(row["cases"] for row in one["bins"]) == 300
            assert sum(row["bad"] for row in one["bins"]) == report["training"]["bad"]
        names = {one["name"] for one in card["characteristics"]}
        assert set(card["stability"]["characteristics"]) == names and card["stability"]["score"] >= 0


def test_the_page_is_whole_readable_and_holds_no_borrower(report):
    page = html(report)
    assert page.startswith("<!doctype html>") and "The behaviour card" in page and page.count("<svg") == 12
    assert not re.search(r"<script|<link|https?://|src=|@import|url\(", page)
    assert not any(f">{row['borrower_id']}<" in page for row in invented_rows())
    for digest in (report["sha256"], report["training"]["rows_sha256"], report["training"]["code_sha256"]):
        assert digest in page
    json.dumps(report, allow_nan=False)


def test_honest_loans_pass_every_check(report):
    assert report["passed"] and report["shipping_code_agrees"]
    for card in report["cards"].values():
        assert card["leakage"]["cases_with_later_events"] == 0 and not card["leakage"]["alarms"]
        assert abs(card["leakage"]["shuffled_auc"] - 0.5) < 0.2


def test_an_event_on_the_day_of_the_decision_is_found():
    rows = invented_rows()
    rows[5] = {**rows[5], "latest_event": rows[5]["latest_event"] + timedelta(seconds=1)}
    _, report = fitted(rows, subject=APPLICATION_ONLY)
    assert report["cards"]["application"]["leakage"]["cases_with_later_events"] == 1
    assert not report["passed"] and "must not be used" in html(report)


def test_a_characteristic_that_knows_the_outcome_is_found():
    rng = random.Random(1)
    rows = [
        {**row, "inputs": {**row["inputs"], "term_months": row["bad"] + rng.random() / 2}} for row in invented_rows()
    ]
    _, report = fitted(rows, subject=APPLICATION_ONLY)
    assert report["cards"]["application"]["leakage"]["alarms"] == ["term_months"] and not report["passed"]


def test_a_missing_value_that_gives_the_outcome_away_is_found():
    rows = [
        {**row, "inputs": {**row["inputs"], "term_months": None if row["bad"] else 12.0}} for row in invented_rows()
    ]
    assert not fitted(rows, subject=APPLICATION_ONLY)[1]["passed"]


def test_the_control_that_looks_later_is_found_out():
    later = [{**row, "latest_event": row["latest_event"] + timedelta(days=30)} for row in invented_rows()]
    control = table(later, CANDIDATES)
    [card] = fitted(subject=APPLICATION_ONLY, control=control)[1]["cards"].values()
    assert (card["leakage"]["cases_with_later_events"], card["leakage"]["control_cases_with_later_events"]) == (0, 300)


def test_noise_has_no_power_on_unseen_loans():
    rng = random.Random(1)
    rows = [{**row, "bad": rng.random() < 0.15} for row in invented_rows(400)]
    assert 0.38 < fitted(rows, subject=APPLICATION_ONLY)[1]["cards"]["application"]["cross_validation"]["auc"] < 0.62


def test_figures_agree_with_a_second_opinion():
    rng = np.random.default_rng(3)
    bad = (rng.random(500) < 0.2).astype(int)
    points = np.round(70 - 12 * bad + rng.normal(0, 10, 500))
    assert measures.auc(points, bad) == pytest.approx(metrics.roc_auc_score(bad, -points))
    refused, caught, _ = metrics.roc_curve(bad, -points, drop_intermediate=False)
    assert measures.measure(points, bad)["ks"] == pytest.approx((caught - refused).max())
    draws = [rng.integers(0, 500, 500) for _ in range(400)]
    spread = np.std([metrics.roc_auc_score(bad[one], -points[one]) for one in draws])
    assert measures.auc_error(points, bad) == pytest.approx(spread, rel=0.15)


def test_a_perfect_calibration_has_slope_one_and_the_same_population_no_shift():
    rng = np.random.default_rng(3)
    points = rng.normal(70, 12, 40_000)
    bad = (rng.random(len(points)) < measures.probability_of_default(points)).astype(int)
    found = measures.measure(points, bad)
    assert found["calibration_slope"] == pytest.approx(1, abs=0.05)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.1)
    assert measures.stability(np.array([0, 1, 1]), np.array([0, 1, 1, 0, 1, 1]), 2) == 0
    assert measures.stability(np.array([0] * 9 + [1]), np.array([0] + [1] * 9), 2) > 0.25
