"""The training report as one HTML file: nothing is fetched, nothing runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-top:1px solid #8885;padding-top:1.5rem}table{border-collapse:collapse;margin:.5rem 0 1rem;
font-variant-numeric:tabular-nums}caption{text-align:left;font-weight:600}th,td{padding:.2rem .7rem;border-bottom:1px
solid #8885;text-align:right}th:first-child,td:first-child{text-align:left}th{font-weight:500;opacity:.7}
td{overflow-wrap:anywhere}.tables{display:flex;flex-wrap:wrap;gap:1rem 2rem}svg{width:340px;max-width:100%}
svg text{font-size:10px;fill:currentColor;opacity:.7}
"""
TITLES = {
    "by_place": "Kept apart by place",
    "by_place_searched_alone": "Kept apart by place, and nothing else to be found",
    "by_time": "Kept apart by time",
}
WIDE, HIGH, LEFT, LOW = 340, 240, 40, 34


def html(report: Mapping[str, Any]) -> str:
    """The report to read. It holds counts and shares, never a report."""
    training = report["training"]
    head = [
        f"<h1>Duplicate finder {escape(report['version'])}</h1>",
        f"<p>{training['reports']:,} reports, {training['duplicates']:,} of them closed as duplicates, "
        f"{training['duplicates_with_original']:,} with an original that is there; {training['pairs']:,} pairs of "
        f"{training['compared']:,} reports compared. Brackets hold 95 % of reports drawn anew. Suggestions are made "
        f"from a probability of {report['suggest_from']} on.</p>",
        *(f"<p>{escape(note)}</p>" for note in report["notes"]),
        summary(report),
    ]
    parts = [part(TITLES[name], found) for name, found in report["figures"].items()]
    title = f"Duplicate finder {escape(report['version'])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        + "\n".join([*head, *parts, made_from(report)])
        + "</body></html>\n"
    )


def summary(report: Mapping[str, Any]) -> str:
    reference, figures = report["reference"], report["figures"]
    rows = [
        [f"The original is first among {top}" if top != 1 else "The original is first", reference[f"recall@{top}"],
         *(_shown(found["original"][f"recall@{top}"]) for found in figures.values())]
        for top in (1, 5)
    ]  # fmt: skip
    rows += [
        [f"… of all that staff named, first {top}", "",
         *(_shown(found["original_of_all_named"][f"recall@{top}"]) for found in figures.values())]
        for top in (1, 5)
    ]  # fmt: skip
    rows.append(
        ["Is it a duplicate: AUC", reference["auc"],
         *(f"{found['detection']['auc']} {found['detection']['interval']}" for found in figures.values())]
    )  # fmt: skip
    rows.append(["Calibration error", "", *(found["calibration_error"] for found in figures.values())])
    return table("Figures", ["", "reference", *(TITLES[name] for name in figures)], rows)


def part(title: str, found: Mapping[str, Any]) -> str:
    recalls = [
        [name, *(_shown(found[kind][name]) for kind in ("original", "original_of_all_named"))]
        for name in found["original"]
        if name.startswith("recall")
    ]
    counts = [["duplicates", found["original"]["duplicates"], found["original_of_all_named"]["duplicates"]],
              ["is a candidate", found["original"]["found"], found["original_of_all_named"]["found"]]]  # fmt: skip
    return (
        f"<h2>{escape(title)}</h2><p>{found['reports']:,} reports, which stand for {found['stand_for']:,}; "
        f"{found['duplicates']:,} duplicates. AUC where the original is within reach: "
        f"{found['detection']['auc_original_within_reach']}.</p>"
        '<div class="tables">'
        + precision_chart(found["thresholds"])
        + table("The original", ["", "within reach", "all that staff named"], counts + recalls)
        + rows_table("Suggesting from", found["thresholds"])
        + rows_table("Calibration", found["calibration"])
        + "</div>"
    )


def precision_chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """Precision over recall of staff's duplicates, a dot for each threshold."""
    wide, high = WIDE - LEFT - 14, HIGH - LOW - 14
    dots = "".join(
        f'<circle cx="{LEFT + row["recall"] * wide:.1f}" cy="{HIGH - LOW - row["precision"] * high:.1f}" r="4" '
        f'fill="#2f7d5b"><title>from {row["suggested_from"]}</title></circle>'
        for row in rows
        if row["precision"] is not None
    )
    ticks = "".join(
        f'<text x="{LEFT + share * wide:.0f}" y="{HIGH - 18}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{LEFT - 4}" y="{HIGH - LOW - share * high + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    named = f'<text x="{LEFT + wide / 2:.0f}" y="{HIGH - 4}" text-anchor="middle">recall</text>'
    box = f'<rect x="{LEFT}" y="14" width="{wide}" height="{high}" fill="none" stroke="#8886"/>'
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="Precision over recall">'
        f'<text x="{LEFT}" y="10">Precision over recall</text>{box}{ticks}{named}{dots}</svg>'
    )


def made_from(report: Mapping[str, Any]) -> str:
    training = report["training"]
    rows = [
        ["Artifact", report["sha256"]],
        ["Created", report["created_on"]],
        ["Data", training["data_sha256"]],
        ["Code", training["code_sha256"]],
        ["Later reports are from", report["later_from"]],
        ["Seed", training["seed"]],
        *training["libraries"].items(),
        *training["settings"].items(),
    ]
    return "<h2>Made from</h2>" + table("SHA-256 where a name is long", ["", ""], rows)


def rows_table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return table(title, [name.replace("_", " ") for name in rows[0]], [list(row.values()) for row in rows])


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{'' if c is None else escape(str(c))}</td>" for c in row) + "</tr>"
                   for row in rows)  # fmt: skip
    return f"<table><caption>{escape(title)}</caption><tr>{heads}</tr>{body}</table>"


def _shown(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['value']} [{low}, {high}]"
