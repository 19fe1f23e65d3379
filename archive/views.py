"""Exports of the trail over HTTP: ask for one, follow it, fetch its file."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archive import serializers as s
from archive import services
from archive.models import Export, Format
from audit.search import FILTERS
from base.negotiation import AnyMediaType
from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from tasks.models import Task
from tasks.serializers import task_links, task_path

AUDITORS = frozenset({Role.AUDITOR})
MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.NDJSON: "application/x-ndjson"}


class Exports(APIView):
    """Entries as files."""

    roles = AUDITORS
    pagination_class = NewestFirst

    @extend_schema(operation_id="audit_exports_list", tags=["audit"], responses=s.ExportSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Newest first."""
        refuse_unknown(request, {"cursor", "limit", "format"})
        pages = self.pagination_class()
        page = pages.paginate_queryset(Export.objects.defer("manifest"), request, view=self) or []
        tasks = services.tasks_of(page)
        return pages.get_paginated_response([shown(row, tasks.get(row.task_id)) for row in page])

    @extend_schema(tags=["audit"], request=s.ExportRequestSerializer, responses={202: s.ExportAskedSerializer})
    def post(self, request: Request) -> Response:
        """Export in the background what was sealed when that begins."""
        asked = s.ExportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        filters = {name: data[name] for name in FILTERS if name in data}
        made = services.request_export(filters=filters, format=data["format"], reason=data["reason"])
        body = {"id": made.pk, "export": address(made), "task_id": made.task_id,
                "message": "The export is being built", "status": "queued"}  # fmt: skip
        return Response(body, 202, headers=task_links(made.task_id))


class ExportDetail(APIView):
    """One export with its manifest."""

    roles = AUDITORS

    @extend_schema(operation_id="audit_exports_retrieve", tags=["audit"], responses=s.ExportDetailSerializer)
    def get(self, request: Request, export_id: Any) -> Response:
        row = found(export_id)
        return Response(shown(row, services.tasks_of([row]).get(row.task_id)) | {"manifest": row.manifest})


class Download(APIView):
    """The file of an export. Fetching it leaves an entry."""

    roles = AUDITORS
    content_negotiation_class = AnyMediaType

    @extend_schema(
        tags=["audit"],
        responses={(200, media_type.partition(";")[0]): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request, export_id: Any) -> Any:
        row = found(export_id)
        if row.finished_at is None:
            state = services.state_of(row, services.tasks_of([row]).get(row.task_id))
            raise Conflict(f"There is no file yet: the export is {state}.")
        try:
            file = services.file_of(row).open("rb")
        except FileNotFoundError:
            raise NotFound("The file of this export is gone.") from None
        services.note_download(row)
        media_type, name = MEDIA_TYPES[Format(row.format)], f"audit-{row.pk}.{row.format}"
        answer = FileResponse(file, as_attachment=True, filename=name, content_type=media_type)
        answer["Content-Length"], answer["ETag"] = str(row.bytes), f'"{row.sha256}"'
        answer["Cache-Control"] = "private, no-store"
        return answer


def found(export_id: Any) -> Export:
    try:
        return Export.objects.get(pk=export_id)
    except Export.DoesNotExist:
        raise NotFound("There is no such export.") from None


def address(row: Export) -> str:
    return f"/api/v1/audit/exports/{row.pk}"


def shown(row: Export, task: Task | None) -> dict[str, Any]:
    done = row.finished_at is not None
    return {
        "id": row.pk,
        "state": services.state_of(row, task),
        "progress": 100 if done else task.progress if task else 0,
        "message": "" if done or not task else task.error_message or task.progress_message,
        "format": row.format,
        "filters": row.filters,
        "reason": row.reason,
        "requested_by": row.requested_by_id,
        "rows": row.rows,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "task": task_path(row.task_id),
        "download": f"{address(row)}/download" if done else None,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "expires_at": row.expires_at,
    }
