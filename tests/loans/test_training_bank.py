"""The bank data: what the shipped card is made from, and how well the trainer does on it."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from types import SimpleNamespace

import pytest

pytest.importorskip("numpy", reason="training needs numpy and scikit-learn, which serving does not install")
pytest.importorskip("sklearn", reason="training needs numpy and scikit-learn, which serving does not install")

from django.core.management import call_command
from django.utils import timezone

from features.language.pure import Happening
from loans import berka, loader, synthetic
from loans.inputs import Application, card_inputs
from loans.published import FOLDER, scorecard
from loans.scorecard import parse_card
from loans.training import bank
from loans.training.binning import Settings
from loans.training.candidates import CANDIDATES, candidates_of
from loans.training.card import fit
from loans.training.fitting import fit_card
from loans.training.table import Row, table_of

from .test_berka import DATA, needs_data


def rows_of(*, later_events: tuple[berka.BankEvent, ...] = (), loans: int | None = None) -> list[Row]:
    """The training rows of the bank data without a database, every feature as of the moment before its loan."""
    borrowers = {one.id: one for one in berka.read_borrowers(DATA)}
    history = defaultdict(list)
    for event in (*berka.read_events(DATA), *later_events):
        history[event.borrower_id].append(event)
    rows: list[Row] = []
    for loan in islice(berka.read_loans(DATA), loans):
        events = [
            Happening(event.event_type, event.event_time, event.value, event.payload, number)
            for number, event in enumerate(history[loan.borrower_id])
        ]
        values = {n: v for feature_set in bank.SETS for n, v in feature_set.compute(events, loan.as_of).items()}
        owner = borrowers[loan.borrower_id]
        as_stored = SimpleNamespace(
            borrower_id=loan.borrower_id,
            borrower=SimpleNamespace(customer_since=owner.opened_date, second_holder=owner.second_holder),
            granted_date=loan.granted_date,
            amount=loan.amount,
            term_months=loan.term_months,
            is_bad=loan.bad,
        )
        rows.append(bank.row_of(as_stored, loan.as_of, {n: None if v is None else float(v) for n, v in values.items()}))
    return rows


@pytest.fixture(scope="module")
def rows():
    return rows_of()


def test_every_characteristic_can_be_computed_from_the_declared_features():
    declared = {name for feature_set in bank.SETS for name in feature_set.features}
    inputs = card_inputs(Application(1000), dict.fromkeys(declared, 1.0))
    assert {one.name for one in CANDIDATES} <= set(inputs)


def test_nobody_is_scored_by_sex_age_or_place():
    assert not {one.name for one in CANDIDATES} & {"sex", "age", "birth_date", "district"}


@needs_data
def test_the_shipped_card_is_the_one_these_rows_give(rows):
    shipped = scorecard()
    table = table_of(rows, CANDIDATES)
    cards = {part: fit_card(table, candidates_of(part), Settings()) for part in shipped.cards}
    assert {part: parse_card(part, card) for part, card in cards.items()} == dict(shipped.cards)


@needs_data
def test_the_bank_data_give_a_card_that_ranks_and_is_calibrated_on_unseen_loans(rows):
    about = bank.subject()
    quick = replace(Settings(), repeats=2, draws=20, shuffles=1)
    given = {"created_on": timezone.now().date(), "seed": 3, "version": "test", "settings": quick}
    _, report = fit(table_of(rows, CANDIDATES), about, **given)
    card = report["cards"]["behaviour"]
    folds, later = card["cross_validation"], card["out_of_time"]
    assert report["passed"]
    assert 0.90 < folds["auc"] < 0.95  # far above leaks
    assert folds["ks"] > 0.66 and 0.90 < later["auc"] < 0.97
    assert 0.8 < folds["calibration_slope"] < 1.25
    assert folds["mean_probability"] == pytest.approx(folds["bad_rate"], abs=0.02)


@needs_data
def test_nothing_on_or_after_the_loan_date_reaches_a_row(rows):
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
    assert rows_of(later_events=poison, loans=120) == rows[:120]


def test_the_shipped_report_reaches_what_was_asked_and_belongs_to_the_card():
    report = json.loads((FOLDER / "scorecard-v2.report.json").read_text())
    card = report["cards"]["behaviour"]
    folds, later = card["cross_validation"], card["out_of_time"]
    assert report["sha256"] == scorecard().sha256 and report["passed"]
    assert folds["auc"] >= 0.915 and folds["ks"] >= 0.70 and later["auc"] >= 0.915 and later["ks"] >= 0.70
    assert folds["intervals"]["calibration_slope"][0] < 1 < folds["intervals"]["calibration_slope"][1]
    assert later["intervals"]["calibration_slope"][0] < 1 < later["intervals"]["calibration_slope"][1]
    assert card["leakage"]["cases_with_later_events"] == 0 < card["leakage"]["control_cases_with_later_events"]
    assert {one["checksum"] for one in report["feature_sets"]} == {one.checksum() for one in bank.SETS}
    assert report["sha256"] in (FOLDER / "scorecard-v2.report.html").read_text()


@pytest.mark.django_db(transaction=True)
def test_the_command_writes_card_and_report_from_the_feature_store(tmp_path, capsys):
    """Made-up borrowers of the sample; the control looks at days that are past the loan on purpose."""
    sample = synthetic.generate(now=timezone.now(), borrowers=600)
    loader.store_borrowers(sample.borrowers)
    assert list(loader.store_events(sample.events)) and loader.store_loans(sample.loans)
    output = tmp_path / "card.json"
    named = ["--output", str(output), "--version-name", "made-up", "--repeats", "1"]
    call_command("train_scorecard", *named, "--without", "second_holder")
    assert "cross-validated AUC" in capsys.readouterr().out
    artifact, report = (json.loads(path.read_text()) for path in (output, tmp_path / "card.report.json"))
    names = {one["name"] for card in artifact["cards"].values() for one in card["characteristics"]}
    assert names and "second_holder" not in names
    checked = report["cards"]["behaviour"]["leakage"]
    assert checked["cases_with_later_events"] == 0 < checked["control_cases_with_later_events"]
    assert (tmp_path / "card.report.html").read_text().startswith("<!doctype html>")
