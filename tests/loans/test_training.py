import random
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="training needs numpy and scikit-learn, which serving does not install")
pytest.importorskip("sklearn", reason="training needs numpy and scikit-learn, which serving does not install")

from features.language.pure import Happening  # noqa: E402
from loans import berka, fitting, training, validation  # noqa: E402
from loans.candidates import CANDIDATES, candidates_of  # noqa: E402
from loans.features import AccountConduct, CoreBehavioral  # noqa: E402
from loans.fitting import Row, Settings, fit_card  # noqa: E402
from loans.scorecard import Application, Scorecard, card_inputs, content_hash, parse_card  # noqa: E402
from loans.training_report import markdown  # noqa: E402

from .test_berka import DATA, needs_data  # noqa: E402

QUICK = Settings(repeats=1)
ARTIFACT = Path(training.__file__).parent / "artifacts" / "scorecard-v1.json"


def invented_rows(count: int = 300, seed: int = 7) -> list[Row]:
    """Loans that go bad mostly when the lowest balance is low; everything else is noise."""
    rng = random.Random(seed)
    names = [one.name for one in CANDIDATES]
    rows: list[Row] = []
    for number in range(count):
        inputs: dict[str, float | None] = {name: rng.uniform(0, 10) for name in names} | {"event_count_180d": 60.0}
        bad = rng.random() < (0.5 if inputs["lowest_balance_cover_all"] < 3 else 0.03)
        day = date(1995, 1, 1) + timedelta(days=4 * number)
        rows.append({"borrower_id": f"b{number}", "decision_date": day, "bad": bad, "inputs": inputs})
    return rows


def fit(rows, **changes):
    given = {"definitions": [], "created_on": date(2026, 1, 1), "seed": 3, "settings": QUICK} | changes
    return training.fit(rows, **given)


def rows_of(folder: Path, *, later_events: tuple[berka.BankEvent, ...] = ()) -> list[Row]:
    """The training rows of the bank data, every feature as of the moment before its loan."""
    loans = list(berka.read_loans(folder))
    history = defaultdict(list)
    for event in (*berka.read_events(folder), *later_events):
        history[event.borrower_id].append(event)
    rows: list[Row] = []
    for loan in loans:
        events = [
            Happening(event.event_type, event.event_time, event.value, event.payload, number)
            for number, event in enumerate(history[loan.borrower_id])
        ]
        values = AccountConduct.compute(events, loan.as_of) | CoreBehavioral.compute(events, loan.as_of)
        features = {name: None if value is None else float(value) for name, value in values.items()}
        inputs = card_inputs(Application(float(loan.amount), loan.term_months), features)
        row = {"borrower_id": str(loan.borrower_id), "decision_date": loan.granted_date, "bad": loan.bad}
        rows.append({**row, "inputs": inputs})
    return rows


def test_the_artifact_is_one_that_the_scorecard_loads_and_it_finds_what_matters():
    artifact, _ = fit(invented_rows())
    card = Scorecard.from_artifact(artifact).cards["behaviour"]
    widest = max(card.characteristics, key=lambda one: one.best_points)
    assert widest.name == "lowest_balance_cover_all"


def test_the_same_rows_in_another_order_give_the_same_artifact():
    rows = invented_rows()
    assert fit(rows)[0] == fit(rows[::-1])[0]


def test_another_label_gives_another_hash_of_the_training_data():
    rows = invented_rows()
    changed = [{**rows[0], "bad": not rows[0]["bad"]}, *rows[1:]]
    assert fit(rows)[0]["training"]["rows_sha256"] != fit(changed)[0]["training"]["rows_sha256"]


def test_definitions_and_creation_date_are_kept_as_given():
    given = [{"name": "core_behavioral", "version": "v1", "checksum": "abc"}]
    artifact, report = fit(invented_rows(), definitions=given, created_on=date(2026, 3, 1))
    assert (artifact["feature_sets"], artifact["created_on"]) == (given, "2026-03-01")
    assert report["sha256"] == artifact["sha256"] == content_hash(artifact)


def test_points_follow_the_declared_trend_in_every_bin():
    artifact, _ = fit(invented_rows())
    for one in artifact["cards"]["behaviour"]["characteristics"]:
        rising = next(candidate.rising for candidate in CANDIDATES if candidate.name == one["name"])
        assert one["points"] == sorted(one["points"], reverse=not rising), one["name"]


def test_the_worst_bin_of_each_characteristic_gives_nothing():
    artifact, _ = fit(invented_rows())
    for one in artifact["cards"]["behaviour"]["characteristics"]:
        assert min(*one["points"], one["missing_points"]) == 0


def test_noise_has_no_power_on_unseen_loans():
    rng = random.Random(1)
    rows = [{**row, "bad": rng.random() < 0.15} for row in invented_rows(400)]
    auc = fit(rows)[1]["cards"]["behaviour"]["cross_validation"]["auc"]
    assert 0.38 < auc < 0.62


def test_a_rare_missing_value_earns_what_an_average_borrower_does():
    settings, bad = Settings(), np.array([1] * 20 + [0] * 180)
    bins = np.array([0] * 100 + [1] * 97 + [2] * 3)
    assert fitting.weight_of_evidence(bins, bad, 3, settings)[-1] == 0


def test_a_borrower_is_never_on_both_sides_of_a_fold(monkeypatch):
    rows = [{**row, "borrower_id": f"b{number // 2}"} for number, row in enumerate(invented_rows())]
    everyone, real = {row["borrower_id"] for row in rows}, validation.fit_card
    seen = []

    def spy(part, candidates, settings):
        seen.append({row["borrower_id"] for row in part})
        assert all(sum(row["borrower_id"] == one for row in part) == 2 for one in seen[-1])
        return real(part, candidates, settings)

    monkeypatch.setattr(validation, "fit_card", spy)
    validation.cross_validate(rows, candidates_of("behaviour"), QUICK, seed=1)
    left_out = [everyone - part for part in seen]
    assert len(left_out) == 5 and set().union(*left_out) == everyone
    assert sum(map(len, left_out)) == len(everyone)


def test_bins_are_cut_without_the_held_out_loans():
    rows = invented_rows()
    card = fit_card(rows[:200], CANDIDATES, QUICK)
    poisoned = [*rows[:200], *({**row, "bad": not row["bad"]} for row in rows[200:])]
    assert fit_card(poisoned[:200], CANDIDATES, QUICK) == card
    before = validation.out_of_time(rows, CANDIDATES, QUICK)
    assert before["rows_before"] == sum(row["decision_date"] < validation.OUT_OF_TIME_FROM for row in rows)


def test_too_few_bad_loans_are_refused():
    with pytest.raises(training.TooFewLoans, match="40 loans with 0 bad"):
        fit([{**row, "bad": False} for row in invented_rows(40)])


def test_the_report_is_readable_and_holds_no_borrower():
    rows = invented_rows()
    text = markdown(fit(rows)[1])
    assert "## The behaviour card" in text and "Decisions, cross-validated" in text
    assert not any(f"{row['borrower_id']} " in text for row in rows)


def test_every_characteristic_can_be_computed_from_the_declared_features():
    declared = AccountConduct.features | CoreBehavioral.features
    inputs = card_inputs(Application(1000), dict.fromkeys(declared, 1.0))
    assert {one.name for one in CANDIDATES} <= set(inputs)


@needs_data
def test_the_shipped_card_is_the_one_these_rows_give():
    rows = rows_of(DATA)
    shipped = Scorecard.load(ARTIFACT)
    cards = {part: fit_card(rows, candidates_of(part), Settings()) for part in shipped.cards}
    assert {part: parse_card(part, card) for part, card in cards.items()} == dict(shipped.cards)


@needs_data
def test_the_bank_data_give_a_card_that_ranks_and_is_calibrated_on_unseen_loans():
    _, report = fit(rows_of(DATA), settings=replace(QUICK, repeats=2))
    folds, later = (report["cards"]["behaviour"][one] for one in ("cross_validation", "out_of_time"))
    assert 0.88 < folds["auc"] < 0.95  # far above leaks
    assert 0.90 < later["auc"] < 0.97
    assert 0.8 < folds["calibration_slope"] < 1.25
    assert folds["mean_probability"] == pytest.approx(folds["bad_rate"], abs=0.02)


@needs_data
def test_nothing_on_or_after_the_loan_date_reaches_a_row():
    poison = tuple(
        berka.BankEvent(
            borrower_id=loan.borrower_id,
            event_type="bank.penalty_interest",
            event_time=berka.midnight(loan.granted_date) + timedelta(days=days),
            value=-loan.amount,
            source="test",
            source_id=f"{loan.id}:{days}",
            payload={"balance": "-1000000"},
        )
        for loan in berka.read_loans(DATA)
        for days in (0, 1, 400)
    )
    assert rows_of(DATA, later_events=poison) == rows_of(DATA)
