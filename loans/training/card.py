"""Make a scorecard and the report on it. Pure: a table in, artifact and report out."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn

from base.artifacts import content_hash
from loans.scorecard import APPLICATION, FORMAT, Scorecard
from loans.training import leakage
from loans.training.binning import Settings
from loans.training.fitting import SCALE, fit_card, totals
from loans.training.table import Candidate, Table
from loans.training.validation import bin_table, cross_validate, out_of_time, stability

MIN_EVENTS = 5
TRIED = 500
HERE = Path(__file__).parent
SHOWN_OR_DECLARED = {"report.py", "charts.py", "credit_tables.py"}
CODE = [path for path in sorted(HERE.glob("*.py")) if path.name not in SHOWN_OR_DECLARED]
CODE += [HERE.parent / "inputs.py", HERE.parent / "scorecard.py"]


class TooFewCases(ValueError):
    """Not enough good or bad cases to cut bins and validate them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about. cards: candidates by card. since: a day that parts earlier from later cases.

    definitions: feature sets used, each with name, version and checksum; stored as given. notes: for the report.
    """

    title: str
    cards: Mapping[str, Sequence[Candidate]]
    definitions: Sequence[Mapping[str, Any]] = ()
    since: str | None = None
    notes: Sequence[str] = field(default=())


def fit(
    table: Table,
    subject: Subject,
    *,
    created_on: date,
    seed: int,
    version: str,
    settings: Settings | None = None,
    control: Table | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The artifact that `Scorecard.load` reads, and the report of how well it does on unseen cases.

    control: the same cases with inputs that saw the future, to show that it is found. Same table and seed: same
    artifact. Raises TooFewCases.
    """
    settings = settings or Settings()
    bads = int(table.bad.sum())
    if min(bads, len(table) - bads) < 2 * settings.folds:
        raise TooFewCases(f"{len(table)} cases with {bads} bad are too few for {settings.folds} folds")
    cards = {part: fit_card(table, candidates, settings) for part, candidates in subject.cards.items()}
    artifact: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "created_on": created_on.isoformat(),
        "scale": asdict(SCALE),
        "min_events": MIN_EVENTS,
        "parts": sorted(cards),
        "cards": cards,
        "feature_sets": [dict(one) for one in subject.definitions],
        "training": provenance(table, settings, seed),
    }
    artifact["sha256"] = content_hash(artifact)
    keys = ("version", "sha256", "created_on", "scale", "feature_sets", "training")
    report = {"title": subject.title, "notes": list(subject.notes), **{key: artifact[key] for key in keys}}
    report["cards"] = {
        part: {
            "candidates": len(candidates),
            "cross_validation": cross_validate(table, candidates, settings, seed),
            "out_of_time": out_of_time(table, candidates, settings, subject.since, seed),
            "leakage": leakage.check(table, candidates, settings, seed, control),
            "stability": _stability(table, cards[part], subject.since),
            "characteristics": bin_table(table, cards[part]),
        }
        for part, candidates in subject.cards.items()
    }
    report["shipping_code_agrees"] = agrees(artifact, table)
    report["passed"] = report["shipping_code_agrees"] and all(c["leakage"]["passed"] for c in report["cards"].values())
    return artifact, report


def provenance(table: Table, settings: Settings, seed: int) -> dict[str, Any]:
    """What the card was made from and by: hashes of the data and of the code."""
    dates = (
        {} if table.dates is None else {"first_decision": str(min(table.dates)), "last_decision": str(max(table.dates))}
    )
    return {
        "rows": len(table),
        "bad": int(table.bad.sum()),
        **dates,
        "rows_sha256": table.sha256(),
        "code_sha256": code_sha256(),
        "seed": seed,
        "settings": asdict(settings),
        "libraries": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def code_sha256() -> str:
    """Of the modules that make inputs, fit, validate and score."""
    digest = hashlib.sha256()
    for path in CODE:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def agrees(artifact: Mapping[str, Any], table: Table) -> bool:
    """Whether the code that serves gives the first cases the points that were validated."""
    published = Scorecard.from_artifact(artifact)
    first = table.take(np.arange(min(TRIED, len(table))))
    return all(
        published.cards[part].total(first.row(index)) == points
        for part, card in artifact["cards"].items()
        for index, points in enumerate(totals(card, first))
    )


def _stability(table: Table, card: Mapping[str, Any], since: str | None) -> dict[str, Any] | None:
    if table.dates is None or since is None:
        return None
    later = table.dates >= np.datetime64(since)
    return stability(card, table.take(~later), table.take(later)) if 0 < later.sum() < len(table) else None


def application_only(candidates: Sequence[Candidate]) -> dict[str, Sequence[Candidate]]:
    """The cards of a table that has no behaviour."""
    return {APPLICATION: candidates}
