"""Training sets: what was asked for, how far it is, and the file."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from base.admin import ReadOnlyAdmin, moment_column
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, Facts, Panel, Table, anchor, badge, code, meter, when
from base.roles import Role
from features.models import Dataset
from features.training import datasets
from tasks.models import Task

TONES = {"completed": GOOD, "processing": BUSY, "failed": BAD}


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    icon, entity_type = "dataset", "dataset"
    list_display = ["id", "state", "format", "rows", "columns", moment_column("created_at", "Asked for"),
                    moment_column("expires_at", "Kept until")]  # fmt: skip
    search_fields = ["id", "sha256", "request_sha256"]
    search_help_text = "Exact id or hash"

    @display(description="State")
    def state(self, row: Dataset) -> str:
        task = task_of(row)
        shown = datasets.state_of(row, task)
        return (
            meter(task.progress, tone=BUSY) if task and shown == "processing" else badge(shown, TONES.get(shown, IDLE))
        )

    def panels(self, request: HttpRequest, row: Dataset) -> list[Panel]:
        task, user = task_of(row), request.user
        may_fetch = user.is_superuser or getattr(user, "role", "") in (Role.ADMIN, Role.ANALYST, Role.OPERATOR)
        file = anchor(f"/api/v1/features/datasets/{row.pk}/download", row.path) if may_fetch else row.path
        facts = [
            ("State", self.state(row)),
            ("Task", row_link(user, Task, row.task_id)),
            ("How far", "" if task is None or row.finished_at else task.error_message or task.progress_message),
            ("File", file if row.finished_at else ""),
            ("Size", "" if row.bytes is None else f"{row.bytes:,} bytes"),
            ("SHA-256", code(row.sha256) if row.sha256 else ""),
            ("Known at", row.request["known_at"]),
            ("Request", code(row.request_sha256)),
            ("Asked for", when(row.created_at)),
            ("Kept until", when(row.expires_at)),
        ]
        manifest = row.manifest or {}
        columns = [
            (code(column["name"]), column["type"], f"{column['nulls']:,}") for column in manifest.get("columns", [])
        ]
        sets = [(f"{one['name']}@{one['version']}", code(one["checksum"])) for one in manifest.get("feature_sets", [])]
        return [
            Table(title="Columns", headers=["Name", "Type", "Nulls"], rows=columns, empty="Not built yet."),
            Table(title="Definitions", headers=["Set", "Checksum"], rows=sets, empty="Not built yet."),
            Facts(title="Training set", rows=facts, side=True),
        ]


def task_of(row: Dataset) -> Task | None:
    return datasets.tasks_of([row]).get(row.task_id)
