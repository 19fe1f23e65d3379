"""How the console looks: named in settings.UNFOLD. All files are our own or come with the theme; nothing is fetched."""

from __future__ import annotations

from django.http import HttpRequest
from django.templatetags.static import static

# Deep water. Lightness falls evenly, so that text in 700 on white and in 400 on dark is readable (WCAG AA).
PRIMARY = {
    "50": "oklch(97.5% .014 205)",
    "100": "oklch(94.2% .030 205)",
    "200": "oklch(88.5% .055 207)",
    "300": "oklch(80.5% .082 209)",
    "400": "oklch(72.0% .100 211)",
    "500": "oklch(62.5% .103 213)",
    "600": "oklch(52.5% .092 214)",
    "700": "oklch(46.0% .081 215)",
    "800": "oklch(39.5% .068 216)",
    "900": "oklch(33.5% .056 217)",
    "950": "oklch(25.0% .042 218)",
}


def primary(request: HttpRequest) -> dict[str, str]:
    return dict(PRIMARY)  # the theme writes into what it gets


def stylesheet(request: HttpRequest) -> str:
    return static("console/console.css")


def icon(request: HttpRequest) -> str:
    return static("console/favicon.svg")
