"""The training report as one HTML file: nothing is fetched, nothing runs, no text of a resident is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5d6b7a;--line:#d5dce4;--page:#fff;--good:#2f7d5b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#3a4652;--page:#161b21;--good:#58b58a}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:70rem;margin:2rem auto;
padding:0 1rem}h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1.5rem}
table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}caption{text-align:left;
font-weight:600}th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}th:first-child,
td:first-child{text-align:left}th{color:var(--soft);font-weight:500}code{overflow-wrap:anywhere}
.side{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start}svg{width:320px;max-width:100%}
svg text{font-size:10px;fill:var(--soft)}.box{fill:none;stroke:var(--line)}.even{stroke:var(--soft);
stroke-dasharray:3}.line{fill:none;stroke:var(--good);stroke-width:2}.dot{fill:var(--good);fill-opacity:.75}
.better{color:var(--good);font-weight:600}
"""
NAMES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "calibration_error": "Calibration error",
    "best_70": "Accuracy, surest 70 %",
}
WIDE, HIGH, EDGE = 320, 240, 34


def html(report: Mapping[str, Any]) -> str:
    title = f"Report classifier {escape(report['version'])}"
    parts = [
        f"<h1>{title}</h1>",
        "<p>Every figure is of texts the model had not seen: whole places of about 100 m, and texts of the same words, "
        "were left out of fitting and of calibration. Brackets hold 95 % of resampled places.</p>",
        overview(report["trials"]),
        *(section(one) for one in report["trials"]),
        votes(report["votes"]),
        made_from(report),
    ]
    head = f'<meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>'
        + "\n".join(parts)
        + "</body></html>\n"
    )


def overview(trials: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            one["title"],
            f"{one['texts']:,}",
            *(against(one[name], one["reference"].get(name), one["intervals"].get(name)) for name in NAMES),
        ]
        for one in trials
    ]
    note = (
        "<p>In grey, the plain baseline: TF-IDF and logistic regression, measured on a part of the data kept apart.</p>"
    )
    return "<h2>All questions</h2>" + table("", ["Question", "Texts", *NAMES.values()], rows) + note


def against(value: float, reference: float | None, interval: Sequence[float] | None) -> str:
    better = reference is not None and value > reference
    found = f'<span class="better">{value:.3f}</span>' if better else f"{value:.3f}"
    if interval:
        found += f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    return found + (f' <small style="color:var(--soft)">{reference:.3f}</small>' if reference is not None else "")


def section(one: Mapping[str, Any]) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in one["notes"])
    if "threshold" in one:
        notes += (
            f"<p>From a probability of {one['threshold']:.3f} on, the category is set without a person: "
            f"{one['sure']:.1%} of the texts, {one['sure_right']:.1%} of them right. The others are reviewed.</p>"
        )
    classes = [
        [escape(row["class"]), row["texts"], *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))]
        for row in one["classes"]
    ]
    confused = [[escape(true), escape(said), count] for true, said, count in one["confused"]]
    return (
        f"<h2>{escape(one['title'])}</h2>{notes}<div class='side'>"
        + table("By class", ["Class", "Texts", "Precision", "Recall", "F1"], classes)
        + table("Most confused", ["It is", "Taken for", "Texts"], confused)
        + chart("Probability said, and share right", reliability_dots(one["reliability"]))
        + chart("Accuracy of the surest share", coverage_line(one["coverage"]))
        + "</div>"
    )


def votes(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            escape(city),
            f"{one['texts']:,}",
            f"{one['rank_correlation']:.3f}",
            one["most_voted"],
            "–" if one["auc"] is None else f"{one['auc']:.3f}",
        ]
        for city, one in found.items()
    ]
    note = (
        "<p>No set says how severe a problem is. Urgency is fitted on votes of residents, ranked within each city: it "
        "tells how many would care, weakly, and never overrules the severity a person stated.</p>"
    )
    heads = ["City", "Texts", "Rank correlation", "With the most votes", "AUC of telling them"]
    return "<h2>Urgency, from votes</h2>" + note + table("", heads, rows)


def made_from(report: Mapping[str, Any]) -> str:
    training = report["training"]
    rows = [[escape(name), f"<code>{value}</code>"] for name, value in training["data_sha256"].items()]
    rows += [["code", f"<code>{training['code_sha256']}</code>"], ["artifact", f"<code>{report['sha256']}</code>"]]
    rows += [["texts learned from", f"{training['texts']:,}"], ["of these corrections", training["corrections"]]]
    rows += [["terms", f"{training['terms']:,}"], ["seed", training["seed"]], ["made on", report["created_on"]]]
    return "<h2>Made from</h2>" + table("", ["What", "SHA-256, or number"], rows)


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    named = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{named}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def reliability_dots(rows: Sequence[Mapping[str, float]]) -> str:
    even = f'<line class="even" x1="{across(0)}" y1="{up(0)}" x2="{across(1)}" y2="{up(1)}"/>'
    return even + "".join(
        f'<circle class="dot" cx="{across(row["said"]):.1f}" cy="{up(row["right"]):.1f}" '
        f'r="{2 + 12 * row["share"]:.1f}"/>'
        for row in rows
    )


def coverage_line(rows: Sequence[Sequence[float]]) -> str:
    points = " ".join(f"{across(share):.1f},{up(right):.1f}" for share, right in rows)
    return f'<polyline class="line" points="{points}"/>'


def chart(title: str, inside: str) -> str:
    marks = "".join(
        f'<text x="{across(part):.0f}" y="{HIGH - 18}" text-anchor="middle">{part:.0%}</text>'
        f'<text x="{EDGE - 4}" y="{up(part) + 3:.0f}" text-anchor="end">{part:.0%}</text>'
        for part in (0, 0.5, 1)
    )
    box = f'<rect class="box" x="{EDGE}" y="{up(1)}" width="{WIDE - EDGE - 12}" height="{up(0) - up(1)}"/>'
    named = f'<text x="{EDGE}" y="14">{escape(title)}</text>'
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img">{named}{box}{marks}{inside}</svg>'


def across(part: float) -> float:
    return EDGE + part * (WIDE - EDGE - 12)


def up(part: float) -> float:
    return HIGH - 32 - part * (HIGH - 32 - 24)
