"""Pages of third-party apps, brought under the console's rules: read-only, or not there at all."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.http import HttpRequest
from django_rq.models import Dashboard

from base.admin import ReadOnlyAdmin, moment_column
from base.panels import Facts, Panel, when

# Its pages ask for no permission beyond being staff, and can empty queues behind the tasks' back.
if admin.site.is_registered(Dashboard):
    admin.site.unregister(Dashboard)

for model in (AccessAttempt, AccessFailureLog, AccessLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class AccessAdmin(ReadOnlyAdmin):
    """Password logins. What was typed is not shown."""

    icon = "key"
    list_display = [moment_column("attempt_time", "At"), "username", "ip_address", "path_info", "user_agent"]
    ordering = ["-attempt_time", "-id"]
    search_fields = ["username", "ip_address"]
    search_help_text = "Exact name or address"

    def panels(self, request: HttpRequest, row: AccessAttempt | AccessLog) -> list[Panel]:
        rows = [
            ("At", when(row.attempt_time)),
            ("Name", row.username),
            ("Address", row.ip_address),
            ("Page", row.path_info),
            ("Agent", row.user_agent),
            ("Failures in a row", getattr(row, "failures_since_start", None)),
            ("Logged out", when(getattr(row, "logout_time", None))),
        ]
        return [Facts(title=str(row), rows=rows)]


@admin.register(AccessAttempt)
class AccessAttemptAdmin(AccessAdmin):
    list_display = [*AccessAdmin.list_display, "failures_since_start"]


@admin.register(AccessLog)
class AccessLogAdmin(AccessAdmin):
    pass


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(AccessAdmin):
    list_display = [*AccessAdmin.list_display, "locked_out"]
