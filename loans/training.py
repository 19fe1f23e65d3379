"""Train the scorecard of `loans.scorecard` on loans with a known outcome. Pure: rows in, artifact and report out."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import scipy
import sklearn

from loans.candidates import candidates_of
from loans.fitting import SCALE, Row, Settings, fit_card
from loans.scorecard import APPLICATION, BEHAVIOUR, FORMAT, content_hash
from loans.validation import bin_table, cross_validate, out_of_time

MIN_EVENTS = 5


class TooFewLoans(ValueError):
    """Not enough good or bad loans to cut bins and validate them."""


def fit(
    rows: Sequence[Row],
    *,
    definitions: Sequence[Mapping[str, Any]],
    created_on: date,
    seed: int,
    version: str = "v1",
    settings: Settings | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The artifact that `Scorecard.load` reads, and the report of how well it does on unseen loans.

    definitions: feature sets used, each with name, version and checksum; stored as given. Same rows in any order,
    same seed: same artifact. Raises TooFewLoans.
    """
    settings = settings or Settings()
    rows = sorted(rows, key=lambda row: (row["decision_date"], row["borrower_id"]))
    bads = sum(row["bad"] for row in rows)
    if min(bads, len(rows) - bads) < 2 * settings.folds:
        raise TooFewLoans(f"{len(rows)} loans with {bads} bad are too few for {settings.folds} folds")
    cards = {part: fit_card(rows, candidates_of(part), settings) for part in (APPLICATION, BEHAVIOUR)}
    artifact: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "created_on": created_on.isoformat(),
        "scale": asdict(SCALE),
        "min_events": MIN_EVENTS,
        "cards": cards,
        "feature_sets": [dict(one) for one in definitions],
        "training": {
            "rows": len(rows),
            "bad": bads,
            "first_decision": rows[0]["decision_date"].isoformat(),
            "last_decision": rows[-1]["decision_date"].isoformat(),
            "rows_sha256": rows_hash(rows),
            "seed": seed,
            "settings": asdict(settings),
            "libraries": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "scikit-learn": sklearn.__version__,
            },
        },
    }
    artifact["sha256"] = content_hash(artifact)
    report = {key: artifact[key] for key in ("version", "sha256", "created_on", "scale", "feature_sets", "training")}
    report["cards"] = {
        part: {
            "cross_validation": cross_validate(rows, candidates_of(part), settings, seed),
            "out_of_time": out_of_time(rows, candidates_of(part), settings),
            "characteristics": bin_table(rows, cards[part]),
        }
        for part in (APPLICATION, BEHAVIOUR)
    }
    return artifact, report


def rows_hash(rows: Sequence[Row]) -> str:
    """SHA-256 of the rows as given, floats to 10 significant digits; names the training data without holding it."""
    digest = hashlib.sha256()
    for row in rows:
        inputs = {name: None if v is None else f"{float(v):.10g}" for name, v in row["inputs"].items()}
        line = [row["borrower_id"], row["decision_date"].isoformat(), bool(row["bad"]), inputs]
        digest.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
