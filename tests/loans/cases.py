"""Invented loans to train on; no module here needs more than the training packages."""

import random
from datetime import UTC, date, datetime, time, timedelta

from loans.training.binning import Settings
from loans.training.candidates import CANDIDATES, candidates_of
from loans.training.card import Subject, fit
from loans.training.table import Row, table_of

QUICK = Settings(repeats=1, draws=20, shuffles=1)
SUBJECT = Subject("Invented", {part: candidates_of(part) for part in ("application", "behaviour")}, since="1997-01-01")


def invented_rows(count: int = 300, seed: int = 7) -> list[Row]:
    """Loans that go bad mostly when the lowest balance is low; everything else is noise."""
    rng = random.Random(seed)
    names = [one.name for one in CANDIDATES]
    rows: list[Row] = []
    for number in range(count):
        inputs: dict[str, float | None] = {name: rng.uniform(0, 10) for name in names} | {"event_count_180d": 60.0}
        bad = rng.random() < (0.5 if inputs["lowest_balance_cover_all"] < 3 else 0.03)
        day = date(1995, 1, 1) + timedelta(days=4 * number)
        seen = datetime.combine(day, time(), UTC) - timedelta(seconds=1)
        rows.append(
            {"borrower_id": f"b{number}", "decision_date": day, "bad": bad, "inputs": inputs, "latest_event": seen}
        )
    return rows


def table(rows=None, candidates=CANDIDATES):
    return table_of(invented_rows() if rows is None else rows, candidates)


def fitted(rows=None, *, subject=SUBJECT, **changes):
    """Artifact and report."""
    given = {"created_on": date(2026, 1, 1), "seed": 3, "version": "test", "settings": QUICK} | changes
    candidates = [one for card in subject.cards.values() for one in card]
    return fit(table(rows, candidates), subject, **given)
