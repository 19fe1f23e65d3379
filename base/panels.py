"""What pages of the console are made of: pieces that say what to show; templates/console/panels/ says how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, WARN, BAD, BUSY, IDLE = "good", "warn", "bad", "busy", "idle"  # tones, coloured in console.css


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One framed piece of a page. width: columns of twelve. href: where the title leads. side: in the right column.

    tone: of its edge. refresh: where it fetches itself again from, every few seconds.
    """

    template: ClassVar[str] = ""
    title: str
    width: int = 12
    href: str = ""
    side: bool = False
    tone: str = IDLE
    refresh: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Panel):
    """One figure to see at a glance, with a line that explains it."""

    template: ClassVar[str] = "console/panels/number.html"
    value: Any
    note: str = ""
    width: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Panel):
    """Names and values. Rows with an empty value are left out."""

    template: ClassVar[str] = "console/panels/facts.html"
    rows: Sequence[tuple[str, Any]]

    def shown(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self.rows if value not in (None, "")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    template: ClassVar[str] = "console/panels/table.html"
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = "None."


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Panel):
    """Sentences, or with `code` preformatted text such as JSON or a traceback."""

    template: ClassVar[str] = "console/panels/text.html"
    text: str
    code: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Panel):
    """Something drawn: `svg` is markup of ours, safe as it stands."""

    template: ClassVar[str] = "console/panels/drawing.html"
    svg: SafeString
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    label: str
    values: Sequence[float]
    tone: str = BUSY


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart(Panel):
    """Numbers over time. kind: `line`, or `bar` with the series stacked."""

    template: ClassVar[str] = "console/panels/chart.html"
    labels: Sequence[str]
    series: Sequence[Series]
    kind: str = "bar"
    width: int = 6

    def data(self) -> str:
        colours = [f"var(--mr-{series.tone})" for series in self.series]
        return json.dumps(
            {
                "labels": list(self.labels),
                "datasets": [
                    {
                        "label": series.label,
                        "data": list(series.values),
                        "backgroundColor": colour,
                        "borderColor": colour,
                        "maxBarThickness": 26,
                        "borderRadius": 3,
                        "tension": 0.3,
                    }
                    for series, colour in zip(self.series, colours, strict=True)
                ],
            }
        )

    def options(self) -> str:
        stacked = self.kind == "bar"
        tick = {"color": "#8b95a5", "maxRotation": 0, "autoSkipPadding": 16}
        return json.dumps(
            {
                "animation": False,
                "responsive": True,
                "maintainAspectRatio": False,
                "interaction": {"mode": "index", "intersect": False},
                "plugins": {"legend": {"align": "end", "labels": {"boxWidth": 8, "boxHeight": 8, "color": "#8b95a5"}}},
                "scales": {
                    "x": {"stacked": stacked, "grid": {"display": False}, "ticks": tick},
                    "y": {"stacked": stacked, "beginAtZero": True, "grid": {"lineWidth": 0.5},
                          "border": {"width": 0}, "ticks": tick | {"precision": 0, "maxTicksLimit": 5}},
                },
            }
        )  # fmt: skip

    def is_empty(self) -> bool:
        return not any(any(series.values) for series in self.series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share, 0–100 percent."""

    title: str
    percent: float
    note: str = ""
    href: str = ""
    tone: str = GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    template: ClassVar[str] = "console/panels/bars.html"
    bars: Sequence[Bar]
    width: int = 6
    empty: str = "None."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker(Panel):
    """A whole as fifty ticks. parts: (label, count, tone) in the order they are drawn."""

    template: ClassVar[str] = "console/panels/tracker.html"
    parts: Sequence[tuple[str, int, str]]
    note: str = ""

    def ticks(self) -> list[tuple[str, str]]:
        """(label, tone) of each tick; a part that is not empty has at least one."""
        total = sum(count for _, count, _ in self.parts)
        if not total:
            return []
        sizes = [max(1, round(50 * count / total)) if count else 0 for _, count, _ in self.parts]
        sizes[sizes.index(max(sizes))] += 50 - sum(sizes)
        return [
            (f"{label}: {count:,}", tone)
            for (label, count, tone), size in zip(self.parts, sizes, strict=True)
            for _ in range(size)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live(Panel):
    """A piece that fetches itself again from `url` until it comes back without one. rows: names and values below."""

    template: ClassVar[str] = "console/panels/live.html"
    url: str
    badge: Any
    percent: int
    message: str = ""
    tone: str = BUSY
    rows: Sequence[tuple[str, Any]] = ()


def badge(text: object, tone: str = IDLE) -> str:
    return format_html('<span class="mr-badge mr-{}">{}</span>', tone, text)


def meter(percent: float, text: object = "", tone: str = GOOD) -> str:
    """A small bar for a table cell."""
    return format_html(
        '<span class="mr-meter"><span class="mr-track"><span class="mr-fill mr-{}" style="width:{}%"></span></span>'
        "<span>{}</span></span>",
        tone, max(0, min(100, round(percent, 1))), text or f"{percent:g} %",
    )  # fmt: skip


def nowrap(text: object) -> str:
    return format_html('<span class="mr-nowrap">{}</span>', text)


def anchor(url: str, text: object) -> str:
    return format_html('<a class="mr-link" href="{}">{}</a>', url, text)


def code(text: object) -> str:
    return format_html("<code>{}</code>", text)


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def when(moment: datetime | None) -> str:
    """A moment in UTC to the second; the exact one shows under the pointer."""
    if moment is None:
        return ""
    at = timezone.localtime(moment)
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}")


def lasting(span: timedelta | None) -> str:
    """A length of time with two digits that matter: 340 ms, 2.1 s, 5 min, 3.2 h, 4 days."""
    if span is None:
        return ""
    seconds = span.total_seconds()
    for limit, unit, size in ((1, "ms", 0.001), (120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}" if seconds / size >= 10 else f"{seconds / size:.2g} {unit}"
    return f"{seconds / 86_400:.0f} days"


def ago(moment: datetime | None) -> str:
    return f"{lasting(max(timezone.now() - moment, timedelta()))} ago" if moment else ""


def some(number: int, limit: int) -> str:
    """A count that stopped at a limit: `1,000+`."""
    return f"{limit:,}+" if number > limit else f"{number:,}"
