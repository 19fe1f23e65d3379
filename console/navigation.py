"""The sidebar: the dashboard, then the pages of each app that this user may open, domains first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy

OWN_ORDER = ["features", "tasks", "audit", "accounts"]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    order = [domain.rpartition(".")[2] for domain in settings.DOMAINS] + OWN_ORDER
    apps = admin.site.get_app_list(request)  # only what the user has a permission for
    apps.sort(key=lambda app: order.index(app["app_label"]) if app["app_label"] in order else len(order))
    front = {"title": "Dashboard", "icon": "monitoring", "link": reverse_lazy("admin:index")}
    return [{"items": [front]}, *(group(app) for app in apps)]


def group(app: dict[str, Any]) -> dict[str, Any]:
    items = [
        {"title": model["name"], "icon": icon(model["model"]), "link": model["admin_url"]}
        for model in app["models"]
        if model["admin_url"]
    ]
    return {"title": app["name"], "separator": True, "items": items}


def icon(model: Any) -> str:
    return getattr(admin.site.get_model_admin(model), "icon", "table_rows")
