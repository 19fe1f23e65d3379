"""A list's headers are drawn once; the theme draws all of them again for each of its rows."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import ChangeList
from unfold.templatetags import unfold_list

draw = unfold_list.result_headers


def headers_once(page: ChangeList) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] | None = vars(page).get("drawn_headers")
    if kept is None:
        kept = vars(page)["drawn_headers"] = list(draw(page))
    return kept


def install() -> None:
    unfold_list.result_headers = headers_once
