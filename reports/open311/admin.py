"""What Open311 asks, for admins to change; and what it was told, for staff to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from audit.services import log_audit_event
from base.admin import ReadOnlyAdmin
from reports.open311.models import Attribute, Submission


@admin.register(Attribute)
class AttributeAdmin(ModelAdmin):
    """A question is switched off rather than deleted: answers name it."""

    icon = "quiz"
    list_display = ["category", "position", "code", "datatype", "description", "required", "is_active"]
    list_filter = ["category", "is_active"]
    list_select_related = ["category"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Attribute, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        action = "question_changed" if change else "question_added"
        log_audit_event(action, "attribute", obj.pk, {"category": obj.category_id, "fields": form.changed_data})


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    icon = "forward_to_inbox"
    list_display = ["report", "first_name", "last_name", "email", "phone", "created_at"]
    list_select_related = ["report"]
    search_fields = ["report"]
    search_help_text = "Exact report number"
