"""Small charts as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM = 340, 260, 44, 36
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - 18, HEIGHT - BOTTOM - 26


def roc_chart(title: str, curve: Sequence[Sequence[float]]) -> str:
    """Share of bad cases refused over share of good cases refused."""
    line = _path([(x, y) for x, y in curve])
    return _frame(title, "good refused", "bad refused", 1, 1, _diagonal() + line)


def calibration_chart(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Observed over expected share of bad cases; on the line is perfect."""
    top = max(0.05, *(max(row["expected_bad"], row["observed_bad"]) for row in rows))
    dots = "".join(
        f'<circle class="dot" cx="{_x(row["expected_bad"] / top):.1f}" cy="{_y(row["observed_bad"] / top):.1f}" '
        f'r="{3 + 12 * row["share"]:.1f}"><title>{row["score_from"]} to {row["score_to"]}: expected '
        f"{row['expected_bad']:.1%}, observed {row['observed_bad']:.1%}</title></circle>"
        for row in rows
    )
    return _frame(title, "bad, expected", "bad, observed", top, top, _diagonal() + dots)


def distribution_chart(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Share of the good cases upwards and of the bad cases downwards, by score."""
    good, bad = (max(1, sum(row[side] for row in rows)) for side in ("good", "bad"))
    top = max(max(row["good"] / good, row["bad"] / bad) for row in rows)
    wide, middle = PLOT_WIDTH / len(rows), _y(0.5)
    bars = ""
    for number, row in enumerate(rows):
        for side, total, sign in (("good", good, -1), ("bad", bad, 1)):
            tall = PLOT_HEIGHT / 2 * row[side] / total / top
            bars += (
                f'<rect class="{side}" x="{LEFT + number * wide + 0.5:.1f}" width="{max(1, wide - 1):.1f}" '
                f'y="{middle - tall if sign < 0 else middle:.1f}" height="{tall:.1f}"><title>'
                f"from {row['score_from']}: {row[side]} {side}</title></rect>"
            )
    low, high = rows[0]["score_from"], rows[-1]["score_from"]
    ends = _text(LEFT, HEIGHT - 20, low) + _text(WIDTH - 18, HEIGHT - 20, high, "end")
    return _svg(title, bars + ends + _text(LEFT + PLOT_WIDTH / 2, HEIGHT - 6, "points: good up, bad down", "middle"))


def _frame(title: str, across: str, up: str, most_across: float, most_up: float, inside: str) -> str:
    box = f'<rect class="box" x="{LEFT}" y="{_y(1)}" width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}"/>'
    ticks = "".join(
        _text(_x(part), HEIGHT - 20, f"{part * most_across:.0%}", "middle")
        + _text(LEFT - 4, _y(part) + 4, f"{part * most_up:.0%}", "end")
        for part in (0, 0.5, 1)
    )
    named = _text(LEFT + PLOT_WIDTH / 2, HEIGHT - 6, across, "middle")
    turned = f'<text transform="translate(11 {_y(0.5)}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    return _svg(title, box + ticks + named + turned + inside)


def _svg(title: str, inside: str) -> str:
    head = f'<text class="title" x="{LEFT}" y="14">{escape(title)}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{head}{inside}</svg>'


def _path(points: Sequence[tuple[float, float]]) -> str:
    steps = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="line" points="{steps}"/>'


def _diagonal() -> str:
    return f'<line class="even" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'


def _text(x: float, y: float, words: Any, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(words))}</text>'


def _x(part: float) -> float:
    return LEFT + part * PLOT_WIDTH


def _y(part: float) -> float:
    return HEIGHT - BOTTOM - part * PLOT_HEIGHT
