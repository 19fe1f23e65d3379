"""The training report as one HTML file: nothing is fetched, nothing runs, no text of the sets is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5d6b7a;--line:#d5dce4;--page:#fff;--good:#2f7d5b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#3a4652;--page:#161b21;--good:#58b58a}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:70rem;margin:2rem auto;
padding:0 1rem}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1.5rem}
table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}caption{text-align:left;
font-weight:600}th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}th:first-child,
td:first-child{text-align:left}th{color:var(--soft);font-weight:500}small{color:var(--soft)}
.side{display:flex;flex-wrap:wrap;gap:1rem 2rem}svg{width:300px;max-width:100%}svg text{font-size:10px;fill:var(--soft)}
.box{fill:none;stroke:var(--line)}.even{stroke:var(--soft);stroke-dasharray:3}.line{fill:none;stroke:var(--good);
stroke-width:2}.dot{fill:var(--good);fill-opacity:.75}.better{color:var(--good);font-weight:600}
"""
TITLES = {
    "scifact": "SciFact, with the abstracts it cites",
    "climate_fever": "Climate-FEVER, with its five sentences",
    "fm2": "Fool Me Twice, with its gold evidence",
    "fever_symmetric": "FEVER-Symmetric, with its evidence",
}
WIDE, HIGH, EDGE = 300, 220, 32


def html(report: Mapping[str, Any]) -> str:
    title = f"Judge of claims {escape(str(report['version']))}"
    parts = [
        f"<h1>{title}</h1>",
        f"<p>Every figure is of claims the models had not seen, in {report['folds']} folds; claims that share a cited "
        "document, a page or a text stay together. Brackets hold 95 % of figures of such groups drawn anew. In grey, a "
        "plain baseline on a part of the data kept apart.</p>",
        sets(report["sets"]),
        search(report),
        *(details(name, one) for name, one in report["sets"].items()),
        f"<h2>Made from</h2><p>{escape(str(report['claims']))}, seed {report['seed']}. "
        f"{escape(str(report.get('leaks', '')))}</p>",
    ]
    head = f'<meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">'
    body = "\n".join(parts)
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>\n'


def sets(found: Mapping[str, Any]) -> str:
    rows = [
        [
            TITLES[name],
            f"{one['claims']:,}",
            *(
                against(one[figure], one["reference"].get(figure), one.get(f"{figure}_interval"))
                for figure in ("accuracy", "macro_f1", "surest_half", "calibration_error")
            ),
        ]
        for name, one in found.items()
    ]
    heads = ["Given evidence", "Claims", "Accuracy", "Macro-F1", "Accuracy, surest half", "Calibration error"]
    return "<h2>What evidence says</h2>" + table("", heads, rows)


def search(report: Mapping[str, Any]) -> str:
    if "retrieval" not in report:
        return ""
    found, whole = report["retrieval"], report["pipeline"]
    rows = [
        [
            label,
            against(found[name]["recall_10"], found["reference"]["recall_10"], found[name]["recall_10_interval"]),
            against(found[name]["ndcg_10"], found["reference"]["ndcg_10"], None),
            f"{found[name]['recall_3']:.3f}",
        ]
        for name, label in (("bm25", "BM25"), ("trained", "Trained order"))
    ]
    figures = ("precision", "recall", "accuracy", "macro_f1", "surest_half", "calibration_error")
    line = [
        against(whole["f1"], whole["reference"]["f1"], whole["f1_interval"]),
        *(f"{whole[one]:.3f}" for one in figures),
    ]
    heads = ["F1", "Precision", "Recall", "Verdict accuracy", "Macro-F1", "Surest half", "Calibration error"]
    return (
        "<h2>Finding evidence, SciFact</h2>"
        + table("Abstracts with evidence", ["", "Recall@10", "nDCG@10", "Recall@3"], rows)
        + table("Search and judge together: abstracts named with their label", heads, [line])
    )


def details(name: str, one: Mapping[str, Any]) -> str:
    known = list(one["labels"])
    rows = [[truth, *map(str, line)] for truth, line in zip(known, one["confusion"], strict=True)]
    return (
        f'<h2>{TITLES[name]}</h2><div class="side">{table("True label, and guessed", ["", *known], rows)}'
        + plot("Accuracy by share answered", [(share, right) for share, right in one["coverage"]], even=False)
        + plot("How often right, by how sure", [(sure, right) for sure, right, _ in one["reliability"]], even=True)
        + "</div>"
    )


def against(value: float, reference: float | None, interval: Sequence[float] | None) -> str:
    better = reference is not None and value > reference
    found = f'<span class="better">{value:.3f}</span>' if better else f"{value:.3f}"
    if interval:
        found += f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    return found + (f" <small>{reference:.3f}</small>" if reference is not None else "")


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{one}</td>" for one in row) + "</tr>" for row in rows)
    named = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{named}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def plot(title: str, points: Sequence[tuple[float, float]], *, even: bool) -> str:
    def x(value: float) -> float:
        return EDGE + value * (WIDE - 2 * EDGE)

    def y(value: float) -> float:
        return HIGH - EDGE - value * (HIGH - 2 * EDGE)

    line = " ".join(f"{x(one):.1f},{y(other):.1f}" for one, other in points)
    dots = "".join(f'<circle class="dot" cx="{x(one):.1f}" cy="{y(other):.1f}" r="3"/>' for one, other in points)
    ticks = "".join(
        f'<text x="{x(at):.0f}" y="{HIGH - EDGE + 14}" text-anchor="middle">{at:g}</text>'
        f'<text x="{EDGE - 6}" y="{y(at) + 3:.0f}" text-anchor="end">{at:g}</text>'
        for at in (0, 0.5, 1)
    )
    diagonal = f'<line class="even" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>' if even else ""
    box = f'<rect class="box" x="{EDGE}" y="{EDGE}" width="{WIDE - 2 * EDGE}" height="{HIGH - 2 * EDGE}"/>'
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{title}">'
        f'<text x="{EDGE}" y="{EDGE - 12}">{title}</text>'
        f'{box}{diagonal}<polyline class="line" points="{line}"/>{dots}{ticks}</svg>'
    )
