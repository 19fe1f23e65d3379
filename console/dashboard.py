"""The console's first page: what each app's `dashboard.py` has to show to this user.

    def cards(user) -> list[Panel]      # in <app>/dashboard.py; nothing the user may not see

A new domain needs no change here.
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest

from base.panels import WARN, Number, Panel, Table, Text

logger = logging.getLogger(__name__)


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    panels = [panel for app in [*settings.PLATFORM, *settings.DOMAINS] for panel in cards(app, request.user)]
    return context | {
        "title": "Dashboard",
        "numbers": [panel for panel in panels if isinstance(panel, Number)],
        "panels": sorted((panel for panel in panels if not isinstance(panel, Number)), key=place),
    }


def place(panel: Panel) -> int:
    """Sentences, which warn, come first, then pictures, then tables."""
    return 0 if isinstance(panel, Text) else 2 if isinstance(panel, Table) else 1


def cards(app: str, user: Any) -> list[Panel]:
    """One app's panels. What cannot be counted in time must not keep the rest from being seen."""
    if not find_spec(f"{app}.dashboard"):
        return []
    try:
        return import_module(f"{app}.dashboard").cards(user)
    except OperationalError as error:
        logger.warning("no figures of %s: %s", app, str(error).splitlines()[0])
        return [Text(title=app.capitalize(), text="These figures could not be counted in time.", code=False, tone=WARN)]
