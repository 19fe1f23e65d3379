"""Links between pages of the console: only to what the user may see, plain text otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html

from base.panels import anchor


def may_view(user: Any, model: type[Model]) -> bool:
    return admin.site.is_registered(model) and user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


def list_url(model: type[Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def row_link(user: Any, model: type[Model], pk: Any, text: object = None) -> str:
    """A link to one row's page."""
    shown = pk if text is None else text
    if pk is None or not may_view(user, model):
        return format_html("{}", shown) if pk is not None else ""
    return anchor(row_url(model._meta.app_label, str(model._meta.model_name), quote(pk)), shown)


@lru_cache(maxsize=20_000)  # a page names a hundred rows, and an address is found in the time of a small query
def row_url(app_label: str, model_name: str, key: object) -> str:
    """Where the page of one row is. key: quoted."""
    return reverse(f"admin:{app_label}_{model_name}_change", args=[key])


def entity_link(user: Any, entity_type: str, entity_id: str, text: object = None) -> str:
    """A link to what tasks, events and audit entries name as `type` and `id`, where a page says it shows that type."""
    shown = f"{entity_type}:{entity_id}" if text is None else text
    if not entity_type:
        return ""
    model = _model_of(entity_type)
    return format_html("{}", shown) if model is None else row_link(user, model, entity_id, shown)


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """`user:5` → that user's name, for those who have one. One statement."""
    numbers = {int(number) for kind, _, number in (actor.partition(":") for actor in actors) if _is_user(kind, number)}
    people = get_user_model().objects.filter(pk__in=numbers) if numbers else []
    return {f"user:{person.pk}": person.get_username() for person in people}


def actor_link(user: Any, actor: str, name: str = "") -> str:
    """`user:5` leads to that user's page, and is shown with the name it is given."""
    kind, _, number = actor.partition(":")
    shown = f"{name} ({actor})" if name else actor
    return entity_link(user, "user", number, shown) if _is_user(kind, number) else format_html("{}", shown)


def _is_user(kind: str, number: str) -> bool:
    return kind == "user" and number.isascii() and number.isdigit() and len(number) < 10


def _model_of(entity_type: str) -> type[Model] | None:
    if entity_type == "user":
        return get_user_model()
    pages = admin.site._registry.items()
    return next((model for model, page in pages if getattr(page, "entity_type", "") == entity_type), None)
