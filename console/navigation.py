"""The sidebar: the dashboard, then the pages of each app that this user may open, domains first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy

OWN_ORDER = ["features", "tasks", "audit", "archive", "accounts"]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    order = [domain.rpartition(".")[2] for domain in settings.DOMAINS] + OWN_ORDER
    apps = sorted(
        admin.site.get_app_list(request),  # only what the user has a permission for
        key=lambda app: order.index(app["app_label"]) if app["app_label"] in order else len(order),
    )
    front = {"title": "Dashboard", "icon": "monitoring", "link": reverse_lazy("admin:index")}
    return [{"items": [front]}, *(group(app, request.path) for app in apps)]


def group(app: dict[str, Any], here: str) -> dict[str, Any]:
    found = [link for model in app["models"] if model["admin_url"] for link in links(model)]
    # A page may lie below another one's address; the longest that fits is where we are.
    current = max((link for _, _, link in found if here.startswith(link)), key=len, default="")
    items = [
        {"title": title, "icon": icon, "link": link, "active": lambda request, link=link: link == current}
        for title, icon, link in found
    ]
    return {"title": app["name"], "separator": True, "items": items}


def links(model: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(title, icon, address) of a model's list and of the pages beside it."""
    page = admin.site.get_model_admin(model["model"])
    more = [(title, icon, reverse(f"admin:{name}")) for title, icon, name in getattr(page, "more", ())]
    return [(model["name"], getattr(page, "icon", "table_rows"), model["admin_url"]), *more]


def install() -> None:
    """A page asks several times which apps its user may open, and each answer takes hundreds of permissions."""
    ask = admin.site.get_app_list

    def apps_once(request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        kept: dict[str | None, Any] = vars(request).setdefault("console_apps", {})
        if app_label not in kept:
            kept[app_label] = ask(request, app_label)
        return kept[app_label]

    admin.site.get_app_list = apps_once  # type: ignore[method-assign]
