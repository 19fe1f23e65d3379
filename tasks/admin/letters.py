"""The page of dead letters: what failed for good, by task name and error, and what to do about all of a kind."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html_join

from base.links import list_url, row_link
from base.panels import WARN, Panel, Table, Text, ago, anchor, nowrap
from tasks import failures
from tasks.admin.matching import question_url
from tasks.models import Status, Task


def letter_panels(user: Any) -> list[Panel]:
    groups, is_cut = failures.groups()
    panels: list[Panel] = []
    if is_cut:
        text = f"Only the newest {failures.LOOK_AT:,} failures are counted here; the list of tasks has all."
        panels.append(
            Text(title="There are more", text=text, code=False, tone=WARN, href=list_url(Task, "?state=failed"))
        )
    headers = ["Task", "Error", "Count", "First", "Last", "Newest message", ""]
    rows = [letter_row(user, group) for group in groups]
    return [*panels, Table(title="By task and error", headers=headers, rows=rows, empty="No task has failed for good.")]


def letter_row(user: Any, group: failures.Group) -> tuple:
    filters = {"state": Status.FAILED.value, "name": group.name, "error": group.error_type}
    actions = [
        anchor(question_url(action, filters), title)
        for action, title in (("retry", "Retry all"), ("discard", "Discard all"))
        if group.error_type and user.has_perm(f"tasks.{action}_task")  # a filter without it would find more than these
    ]
    return (
        anchor(list_url(Task, "?" + urlencode(filters)), group.name),
        group.error,
        f"{group.count:,}",
        nowrap(ago(group.first)),
        nowrap(ago(group.last)),
        row_link(user, Task, group.example, group.message or "no message"),
        nowrap(format_html_join(" · ", "{}", ((action,) for action in actions))),
    )
