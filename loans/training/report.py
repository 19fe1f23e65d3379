"""The training report as one HTML file: nothing is fetched, nothing runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from loans.training.charts import calibration_chart, distribution_chart, roc_chart
from loans.training.measures import FIGURES
from loans.training.validation import APPROVE_FROM, REVIEW_FROM

STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5d6b7a;--line:#d5dce4;--page:#fff;--good:#2f7d5b;--bad:#b4452f}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#3a4652;--page:#161b21;--good:#58b58a;
--bad:#e0795f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:70rem;margin:2rem auto;
padding:0 1rem}h1,h2,h3{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1.5rem}
table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}caption{text-align:left;
font-weight:600}th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}th:first-child,
td:first-child{text-align:left}th{color:var(--soft);font-weight:500}code{overflow-wrap:anywhere}
.charts,.tables{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start}svg{width:340px;max-width:100%}
svg text{font-size:10px;fill:var(--soft)}svg .title{font-size:12px;fill:var(--ink)}.box{fill:none;stroke:var(--line)}
.line{fill:none;stroke:var(--good);stroke-width:2}.even{stroke:var(--soft);stroke-dasharray:3}.good,.dot{fill:
var(--good)}.bad{fill:var(--bad)}.dot{fill-opacity:.75}.alarm{color:var(--bad);font-weight:600}.fine{color:var(--good)}
"""
WORDS = {
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
    "mean_probability": "Mean probability of default",
    "bad_rate": "Bad rate",
}


def html(report: Mapping[str, Any]) -> str:
    """The report to read. It holds counts and coefficients, never a case."""
    training, scale = report["training"], report["scale"]
    span = (
        f", decided {training['first_decision']} to {training['last_decision']}" if "first_decision" in training else ""
    )
    head = [
        f"<h1>Scorecard {escape(report['version'])}: {escape(report['title'])}</h1>",
        f"<p>{training['rows']:,} cases, {training['bad']:,} bad{span}. {scale['base_points']:g} points are odds of "
        f"{scale['base_odds']:g}:1 of repaying; {scale['points_to_double']:g} more double the odds. Approve from "
        f"{APPROVE_FROM}, review from {REVIEW_FROM}, decline below.</p>",
        "<p>Every figure is on cases the card did not see: selection, bins, weights and points were made inside each "
        "fold. Brackets hold 95 % of resampled cases.</p>",
        *(f"<p>{escape(note)}</p>" for note in report["notes"]),
        verdict(report),
    ]
    cards = [section for name, card in report["cards"].items() for section in card_sections(name, card)]
    title = f"Scorecard {escape(report['version'])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        + "\n".join([*head, *cards, *made_from(report)])
        + "</body></html>\n"
    )


def verdict(report: Mapping[str, Any]) -> str:
    if report["passed"]:
        return '<p class="fine">All checks against leakage passed, and the serving code gives the same points.</p>'
    return '<p class="alarm">A check failed: this card must not be used.</p>'


def card_sections(name: str, card: Mapping[str, Any]) -> list[str]:
    folds, later = card["cross_validation"], card["out_of_time"]
    inside = f"{folds['folds']} folds × {folds['repeats']}"
    parts = [f"<h2>The {escape(name)} card</h2>", figures(folds, later, inside)]
    if later:
        parts.append(
            f"<p>Out of time: fitted on {later['rows_before']:,} cases before {later['from']} ({later['bad_before']} "
            f"bad), measured on {later['rows_after']:,} later ones ({later['bad_after']} bad).</p>"
        )
    for title, found in (("cross-validated", folds), ("out of time", later)):
        if found:
            drawn = (
                roc_chart(f"Ranking, {title}", found["roc"]),
                calibration_chart(f"Calibration, {title}", found["calibration"]),
                distribution_chart(f"Points, {title}", found["distribution"]),
            )
            parts.append(f'<div class="charts">{"".join(drawn)}</div>')
    parts += [
        '<div class="tables">',
        rows_table("Decisions, cross-validated", folds["decisions"]),
        rows_table("Approving from a score on", folds["thresholds"]),
        rows_table("Approving the best share", folds["best_shares"]),
        rows_table("Calibration, cross-validated", folds["calibration"]),
        rows_table("Decisions, out of time", later["decisions"]) if later else "",
        rows_table("Calibration, out of time", later["calibration"]) if later else "",
        "</div>",
        *leakage_sections(card["leakage"]),
        *stability_sections(card),
        f"<h3>Characteristics</h3><p>{len(card['characteristics'])} of {card['candidates']} candidates. A bin's "
        "points are whole; the worst bin gives 0.</p>",
        *(characteristic(one, folds["chosen"].get(one["name"])) for one in card["characteristics"]),
    ]
    return parts


def figures(folds: Mapping[str, Any], later: Mapping[str, Any] | None, inside: str) -> str:
    rows = []
    for name in FIGURES:
        spread = folds["spread"].get(name)
        rows.append(
            [
                WORDS[name],
                _figure(folds, name),
                f"{spread[0]} to {spread[1]}" if spread else "",
                _figure(later, name) if later else "",
            ]
        )
    rows.append(["AUC, 95 % by DeLong", folds["auc_interval"], "", later["auc_interval"] if later else ""])
    return table("Figures", ["", inside, "lowest and highest repeat", "out of time"], rows)


def _figure(found: Mapping[str, Any], name: str) -> str:
    low_high = found["intervals"].get(name)
    shown = "none" if found[name] is None else str(found[name])
    return f"{shown} [{low_high[0]}, {low_high[1]}]" if low_high else shown


def leakage_sections(found: Mapping[str, Any]) -> list[str]:
    late, control = found["cases_with_later_events"], found["control_cases_with_later_events"]
    rows = [
        ["Cases with an event at or after the decision", "no dates" if late is None else late],
        ["The same counter, looking later on purpose", "none made" if control is None else control],
        ["AUC on shuffled outcomes (about .5)", f"{found['shuffled_auc']} ± {found['shuffled_auc_standard_error']}"],
        [f"Characteristics that alone rank above {found['alarm_from']}", ", ".join(found["alarms"]) or "none"],
    ]
    alone = [[name, value] for name, value in found["alone"].items()]
    return [
        "<h3>Leakage</h3>",
        table("Checks", ["", ""], rows),
        f"<details><summary>AUC of each candidate alone</summary>{table('', ['candidate', 'AUC'], alone)}</details>",
    ]


def stability_sections(card: Mapping[str, Any]) -> list[str]:
    found = card["stability"]
    if not found:
        return []
    rows = [["score", found["score"]], *found["characteristics"].items()]
    return ["<h3>Stability, earlier to later cases (PSI)</h3>", table("", ["", "PSI"], [list(row) for row in rows])]


def characteristic(one: Mapping[str, Any], chosen: float | None) -> str:
    often = "" if chosen is None else f", on the card in {chosen:.0%} of the folds"
    summary = (
        f"{escape(one['name'])} ({escape(one['unit'])}, {one['trend']}, {escape(one['code'])}): information value "
        f"{one['information_value']}{often}"
    )
    return f"<details open><summary>{summary}</summary>{rows_table('', one['bins'])}</details>"


def made_from(report: Mapping[str, Any]) -> list[str]:
    training = report["training"]
    rows = [
        ["Artifact", report["sha256"]],
        ["Created", report["created_on"]],
        ["Data", training["rows_sha256"]],
        ["Code", training["code_sha256"]],
        *([f"{one['name']}@{one['version']}", one["checksum"]] for one in report["feature_sets"]),
        ["Seed", training["seed"]],
        *([name, version] for name, version in training["libraries"].items()),
        *([name.replace("_", " ").capitalize(), value] for name, value in training["settings"].items()),
    ]
    return ["<h2>Made from</h2>", table("SHA-256 where a name is long", ["", ""], rows)]


def rows_table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return (
        table(title, [name.replace("_", " ") for name in rows[0]], [list(row.values()) for row in rows]) if rows else ""
    )


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head) if any(head) else ""
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return f"<table>{caption}<tr>{heads}</tr>{body}</table>" if heads else f"<table>{caption}{body}</table>"


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list):
        return f"{cell[0]} to {cell[1]}"
    return escape(str(cell))
