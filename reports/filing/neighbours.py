"""A small map of what is around a report, drawn from its own rows: nothing is fetched from anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from reports.filing.search import nearest
from reports.models import Report
from reports.places import EARTH_M

REACH_M = 400
RINGS_M = (100, 200, 400)
SHOWN = 80
DRAWN = ["title", "category_id", "status", "latitude", "longitude"]
WIDTH, HEIGHT = 640, 400
SCALE = HEIGHT / 2 / (REACH_M * 1.05)  # pixels of a metre
DONE = {Report.Status.RESOLVED, Report.Status.REJECTED, Report.Status.DUPLICATE}


def around(report: Report) -> list[Report]:
    """The reports within REACH_M, nearest first, without the report itself."""
    return nearest(
        Report.objects.exclude(pk=report.pk).only(*DRAWN),
        latitude=report.latitude,
        longitude=report.longitude,
        radius_m=REACH_M,
        limit=SHOWN,
    )


def draw(
    report: Report,
    others: list[Report],
    page_of: Callable[[Report], str],
    signs: Mapping[int, str] | None = None,
    *,
    width: int = WIDTH,
) -> SafeString:
    """North is up. Each dot leads to its report; those that are closed are pale. signs: on some dots, by report."""
    rings = format_html_join(
        "",
        '<circle r="{}" fill="none" stroke="currentColor" stroke-opacity=".15"/>'
        '<text y="{}" font-size="10" fill="currentColor" fill-opacity=".5" text-anchor="middle">{} m</text>',
        ((round(metres * SCALE), round(-metres * SCALE) + 11, metres) for metres in RINGS_M),
    )
    dots = format_html_join(
        "",
        '<a href="{}"><circle cx="{}" cy="{}" r="5" fill="{}" fill-opacity="{}">'
        "<title>{}: {} ({})</title></circle></a>",
        (
            (page_of(one), *_place(report, one), _colour(report, one), ".35" if one.status in DONE else ".9",
             one.pk, one.title, one.get_status_display().lower())
            for one in reversed(others)
        ),
    )  # fmt: skip
    signed = format_html_join(
        "",
        '<text x="{}" y="{}" dy="-8" font-size="13" font-weight="700" text-anchor="middle" fill="currentColor">{}'
        "</text>",
        ((*_place(report, one), signs[one.pk]) for one in others if signs and one.pk in signs),
    )
    return format_html(
        '<svg viewBox="{} {} {} {}" width="100%" role="img" aria-label="Reports within {} m">{}{}{}'
        '<circle r="7" fill="none" stroke="var(--mr-bad)" stroke-width="3"/></svg>',
        -width // 2, -HEIGHT // 2, width, HEIGHT, REACH_M, rings, dots, signed,
    )  # fmt: skip


def _place(centre: Report, other: Report) -> tuple[float, float]:
    """Pixels to the right and down, on a plane that touches the earth at the report."""
    metre = math.pi / 180 * EARTH_M
    east = (other.longitude - centre.longitude + 540) % 360 - 180
    right = east * metre * math.cos(math.radians(centre.latitude))
    up = (other.latitude - centre.latitude) * metre
    return round(right * SCALE, 1), round(-up * SCALE, 1)


def _colour(centre: Report, other: Report) -> str:
    same = other.category_id is not None and other.category_id == centre.category_id
    return "var(--mr-warn)" if same else "var(--mr-busy)"
