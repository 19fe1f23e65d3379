"""The training report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loans.validation import APPROVE_FROM, REVIEW_FROM


def markdown(report: Mapping[str, Any]) -> str:
    """The report to read. It holds counts and coefficients, never a row."""
    training, scale = report["training"], report["scale"]
    parts = [
        f"# Training report of scorecard {report['version']}",
        f"Content {report['sha256']}, created {report['created_on']}, seed {training['seed']}.",
        f"{training['rows']} loans, {training['bad']} bad, decided {training['first_decision']} to "
        f"{training['last_decision']}; rows {training['rows_sha256']}.",
        f"{scale['base_points']:g} points are odds of {scale['base_odds']:g}:1 of repaying; "
        f"{scale['points_to_double']:g} more double the odds. "
        f"Approve from {APPROVE_FROM}, review from {REVIEW_FROM}, decline below.",
        "Figures are on loans the card did not see, and bins, weights and points were made inside each fold. But the "
        "list of characteristics was chosen with all loans in view, out of time ones included, which flatters every "
        "figure here: expect several hundredths of AUC less on new loans.",
        "Sex, age and district are known and not used; sex may not be (12 CFR 1002.6(b)(9)).",
    ]
    for name, card in report["cards"].items():
        folds, later = card["cross_validation"], card["out_of_time"]
        parts.append(f"## The {name} card")
        names = (
            "auc",
            "gini",
            "ks",
            "brier",
            "brier_of_the_average",
            "calibration_slope",
            "mean_probability",
            "bad_rate",
        )
        parts.append(
            _table(
                ("figure", f"{folds['folds']} folds x {folds['repeats']}", "out of time"),
                [(one, folds[one], later[one] if later else "") for one in names]
                + [
                    ("AUC, lowest and highest repeat", " to ".join(map(str, folds["auc_spread"])), ""),
                    ("AUC, standard error of the sample", folds["auc_standard_error"], ""),
                ],
            )
        )
        if later:
            parts.append(
                f"Out of time: fitted on {later['rows_before']} loans before {later['from']}, measured on "
                f"{later['rows_after']} later ones, {later['bad_after']} bad."
            )
        for title, rows in (
            ("Decisions, cross-validated", folds["decisions"]),
            ("Decisions, out of time", later["decisions"] if later else []),
            ("Approving from a score on, cross-validated", folds["thresholds"]),
            ("Calibration, cross-validated", folds["calibration"]),
        ):
            if rows:
                parts += [f"### {title}", _table(tuple(rows[0]), [tuple(row.values()) for row in rows])]
        parts.append("### Bins (all loans)")
        for one in card["characteristics"]:
            parts.append(f"**{one['name']}** ({one['unit']}), information value {one['information_value']}")
            parts.append(_table(tuple(one["bins"][0]), [tuple(row.values()) for row in one["bins"]]))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines)
