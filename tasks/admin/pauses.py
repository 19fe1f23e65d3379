"""What the pages of queues, task names and periodic tasks have in common: a pause, with who, when and why."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from base.links import row_link
from base.panels import WARN, ago, badge, when
from tasks.models import Control, Schedule


def paused(row: Control | Schedule) -> str:
    """A badge for a table's cell; empty while it runs."""
    return badge("paused", WARN) if row.paused_at else ""


def pause_note(row: Control | Schedule) -> str:
    return f"{ago(row.paused_at)} by {row.paused_by or 'a program'}: {row.reason}" if row.paused_at else ""


def pause_rows(user: Any, row: Control | Schedule) -> list[tuple[str, Any]]:
    if not row.paused_at:
        return []
    by = row_link(user, get_user_model(), row.paused_by_id, row.paused_by) if row.paused_by else "a program"
    return [("Paused", when(row.paused_at)), ("By", by), ("Why", row.reason)]
