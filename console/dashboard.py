"""The console's first page: what each app's `dashboard.py` has to show to this user.

    def cards(user) -> list[Panel]      # in <app>/dashboard.py; nothing the user may not see

A new domain needs no change here.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from base.panels import Number, Panel


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    panels = [panel for app in [*settings.PLATFORM, *settings.DOMAINS] for panel in cards(app, request.user)]
    return context | {
        "title": "Dashboard",
        "numbers": [panel for panel in panels if isinstance(panel, Number)],
        "panels": [panel for panel in panels if not isinstance(panel, Number)],
    }


def cards(app: str, user: Any) -> list[Panel]:
    return import_module(f"{app}.dashboard").cards(user) if find_spec(f"{app}.dashboard") else []
