"""What the pages of queues, task names and periodic tasks have in common: a pause, with who, when and why."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.html import format_html

from base.links import row_link
from base.panels import WARN, ago, badge, when
from tasks.models import Control, Schedule


def paused(row: Control | Schedule) -> str:
    """For a table's cell; empty while it runs."""
    note = f"{ago(row.paused_at)} by {row.paused_by or 'a program'}: {row.reason}"
    return format_html("{} {}", badge("paused", WARN), note) if row.paused_at else ""


def pause_rows(user: Any, row: Control | Schedule) -> list[tuple[str, Any]]:
    if not row.paused_at:
        return []
    by = row_link(user, get_user_model(), row.paused_by_id, row.paused_by) if row.paused_by else "a program"
    return [("Paused", when(row.paused_at)), ("By", by), ("Why", row.reason)]
