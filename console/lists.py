"""Rows of a list, drawn once and by hand: through the theme's templates a page of twenty-five costs twice as much.

No list of the console is edited in place, and none has rows to open or actions of single rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateField, ForeignKey, ManyToOneRel, TimeField
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.templatetags import unfold_list as theme

from base.admin import page_of

draw_headers = theme.result_headers
TWO_LINES = (
    '<span class="flex flex-col text-right lg:text-left"><strong class="block font-normal">{}</strong>'
    '<span class="block text-base-500">{}</span></span>'
)


@dataclass(frozen=True, slots=True)
class Column:
    """links: whether its text leads to the row's page."""

    name: Any
    begins: str
    ends: str
    links: bool


def headers_once(page: ChangeList) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] | None = vars(page).get("drawn_headers")
    if kept is None:
        kept = vars(page)["drawn_headers"] = list(draw_headers(page))
    return kept


def rows(page: ChangeList) -> Iterator[SafeString]:
    """The cells of each row."""
    columns = columns_of(page)
    empty = page.model_admin.get_empty_value_display()
    kept = f"?{page.preserved_filters}" if page.preserved_filters else ""  # the way back to this list as it is
    link = f'<a href="{{}}{conditional_escape(kept)}" class="{" ".join(theme.LINK_CLASSES)}">'
    for row in page.result_list:
        cells = []
        for column in columns:
            text = str(conditional_escape(shown(page, row, column.name, empty)))
            if column.links:
                text = f"{link.format(conditional_escape(page_of(row)))}{text}</a>"
            cells.append(f"{column.begins}{text}{column.ends}")
        yield mark_safe("".join(cells))  # noqa: S308 - every text in it is escaped


def columns_of(page: ChangeList) -> list[Column]:
    found: list[Column] = []
    links = page.list_display_links or ()
    for place, (name, header) in enumerate(zip(page.list_display, headers_once(page), strict=True)):
        tag = "th" if name in links and not any(column.links for column in found) else "td"
        label = "Select record" if place == 0 else header["text"]
        begins = format_html('<{} class="{}" data-label="{}">', tag, " ".join(classes(page, name, place)), label)
        found.append(Column(name, begins, f"</{tag}>", name in links))
    return found


def classes(page: ChangeList, name: Any, place: int) -> list[str]:
    if name == "action_checkbox":
        return list(theme.CHECKBOX_CLASSES)
    fields = {field.name: field for field in page.lookup_opts.get_fields()}
    wide = isinstance(fields.get(name), DateField | TimeField | ForeignKey)
    return [f"field-{theme._coerce_field_name(name, place)}", *theme.ROW_CLASSES, *(["nowrap"] if wide else [])]


def shown(page: ChangeList, row: Any, name: Any, empty: str) -> Any:
    """What a cell says, as Django's admin has it."""
    try:
        field, source, value = lookup_field(name, row, page.model_admin)
    except ObjectDoesNotExist:
        return empty
    if field is not None and not field.auto_created:
        if isinstance(field.remote_field, ManyToOneRel):
            return empty if (other := getattr(row, field.name)) is None else other
        return display_for_field(value, field, empty)
    if getattr(source, "header", False):
        return format_html(TWO_LINES, *value)
    empty = getattr(source, "empty_value_display", empty)
    return theme.display_for_value(value, empty, getattr(source, "boolean", False))


def install() -> None:
    theme.result_headers, theme.results = headers_once, rows
