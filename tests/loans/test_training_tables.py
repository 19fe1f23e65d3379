"""Other lenders' tables go through the same trainer."""

import json

import pytest

np = pytest.importorskip("numpy", reason="training needs numpy and scikit-learn, which serving does not install")
pytest.importorskip("sklearn", reason="training needs numpy and scikit-learn, which serving does not install")
pa = pytest.importorskip("pyarrow", reason="tables are Parquet files")

import pyarrow.parquet as pq  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402

from loans.scorecard import Scorecard  # noqa: E402
from loans.training import credit_tables  # noqa: E402
from tests.loans.test_berka import DATA  # noqa: E402

FOLDER = DATA.parent / "credit_scorecards"
needs_tables = pytest.mark.skipif(
    not (FOLDER / "german.parquet").exists(), reason=f"the public credit tables are not here ({FOLDER})"
)


def write_hmeq(folder, cases: int = 400) -> None:
    """Invented home equity loans: bad mostly where debt is not stated or lines are delinquent."""
    rng = np.random.default_rng(2)
    delinquent, stated = rng.poisson(0.5, cases), rng.random(cases) < 0.8
    columns = {name: rng.normal(50, 10, cases) for name, trend, _, _ in credit_tables.HMEQ.characteristics}
    columns |= {
        "BAD": (rng.random(cases) < np.where(stated, 0.05, 0.6) + 0.15 * (delinquent > 0)).astype(int),
        "DELINQ": delinquent.astype(float),
        "DEBTINC": [30.0 + 5 * rng.random() if known else None for known in stated],
        "REASON": [["HomeImp", "DebtCon", None][number % 3] for number in range(cases)],
        "JOB": [["Office", "Sales"][number % 2] for number in range(cases)],
    }
    pq.write_table(pa.table(columns), folder / "hmeq.parquet")


@pytest.mark.django_db
def test_a_declared_table_gives_a_card_that_serves_words_and_missing_values(tmp_path, capsys):
    write_hmeq(tmp_path)
    output = tmp_path / "hmeq.json"
    call_command(
        "train_scorecard", "--table", "hmeq", "--data", str(tmp_path), "--output", str(output), "--repeats", "1"
    )
    assert "400 cases" in capsys.readouterr().out
    card = Scorecard.load(output)
    inputs = {"DEBTINC": 32.0, "DELINQ": 0.0, "REASON": "DebtCon", "JOB": "Office"}
    known, silent = card.score(inputs), card.score(inputs | {"DEBTINC": None})
    assert silent.total_points < known.total_points and known.card == "application"
    assert "Not known: DEBTINC" in [reason.text for reason in silent.reasons]
    report = json.loads((tmp_path / "hmeq.report.json").read_text())
    assert report["cards"]["application"]["leakage"]["cases_with_later_events"] is None
    assert report["cards"]["application"]["out_of_time"] is None


@pytest.mark.django_db
def test_a_table_that_gives_its_outcome_away_yields_no_card(tmp_path):
    write_hmeq(tmp_path)
    stored = pq.read_table(tmp_path / "hmeq.parquet")
    told = stored.set_column(stored.column_names.index("LOAN"), "LOAN", stored["BAD"])
    pq.write_table(told, tmp_path / "hmeq.parquet")
    output = tmp_path / "hmeq.json"
    with pytest.raises(CommandError, match="no card was written"):
        call_command("train_scorecard", "--table", "hmeq", "--data", str(tmp_path), "--output", str(output))
    assert not output.exists() and "must not be used" in (tmp_path / "hmeq.report.html").read_text()


def test_a_table_needs_a_folder_and_a_place_to_go():
    with pytest.raises(CommandError, match="needs --data"):
        call_command("train_scorecard", "--table", "german")


def test_nobody_is_scored_by_sex_marriage_or_nationality():
    names = {name for one in credit_tables.DECLARATIONS.values() for name, *_ in one.characteristics}
    assert not names & {"SEX", "MARRIAGE", "personal_status", "foreign_worker"}


@needs_tables
@pytest.mark.parametrize(
    ("name", "cases", "bad"),
    [("german", 749, 234), ("taiwan", 22_398, 4995), ("hmeq", 4461, 880), ("gmsc", 112_261, 7484)],
)
def test_every_public_table_is_read_as_declared(name, cases, bad):
    _, table = credit_tables.read(name, FOLDER)
    assert (len(table), table.bad.sum()) == (cases, bad)
    assert len(table.columns) == len(credit_tables.DECLARATIONS[name].characteristics)
