"""Datasets over HTTP: ask for one, follow it, fetch its file."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.services import log_audit_event
from base.negotiation import AnyMediaType
from base.pagination import NewestFirst
from base.problems import Conflict, Unprocessable
from base.queries import refuse_unknown
from base.roles import Role
from features.training import datasets
from features.training import serializers as s
from features.training.models import Dataset, Format
from features.training.request import MAX_ROWS, Label, Unaskable, canonical
from tasks.models import Task
from tasks.serializers import task_links, task_path

TRAINERS = {Role.ANALYST, Role.OPERATOR}
MEDIA_TYPES = {
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.file",
    Format.CSV: "text/csv; charset=utf-8",
}


class Datasets(APIView):
    """Training sets as files."""

    roles = TRAINERS
    pagination_class = NewestFirst
    max_body_bytes = 12 * 1_048_576
    max_items = 400_000

    @extend_schema(operation_id="datasets_list", tags=["training"], responses=s.DatasetSerializer(many=True),
                   parameters=[])  # fmt: skip
    def get(self, request: Request) -> Response:
        """Newest first."""
        refuse_unknown(request, {"cursor", "limit", "format"})
        pages = self.pagination_class()
        page = pages.paginate_queryset(Dataset.objects.defer("manifest"), request, view=self) or []
        tasks = datasets.tasks_of(page)
        return pages.get_paginated_response([shown(row, tasks.get(row.task_id)) for row in page])

    @extend_schema(tags=["training"], request=s.DatasetRequestSerializer, responses={202: s.DatasetAskedSerializer})
    def post(self, request: Request) -> Response:
        """Build a dataset in the background."""
        rows = request.data.get("entity_rows") if isinstance(request.data, dict) else None
        if isinstance(rows, list) and len(rows) > MAX_ROWS:
            raise Unprocessable(f"A request holds at most {MAX_ROWS:,} rows; manage.py build_dataset takes a file.")
        asked = s.DatasetRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        label = Label(**data["label"]) if "label" in data else None
        try:
            wanted = canonical(
                features=data["features"],
                rows=data.get("entity_rows"),
                label=label,
                known_at=None if data["known_at"] == "now" else data["known_at"],
                format=data["format"],
            )
        except Unaskable as error:
            raise ValidationError({error.field: [str(error)]}) from None
        made = datasets.request_dataset(request=wanted)
        body = {"id": made.pk, "dataset": address(made), "task_id": made.task_id,
                "message": "The dataset is being built", "status": "queued"}  # fmt: skip
        return Response(body, 202, headers=task_links(made.task_id))


class DatasetDetail(APIView):
    """One dataset with its manifest."""

    roles = TRAINERS

    @extend_schema(operation_id="datasets_retrieve", tags=["training"], responses=s.DatasetDetailSerializer)
    def get(self, request: Request, dataset_id: Any) -> Response:
        row = found(dataset_id)
        task = datasets.tasks_of([row]).get(row.task_id)
        return Response(shown(row, task) | {"manifest": row.manifest})

    @extend_schema(tags=["training"], responses={204: None})
    def delete(self, request: Request, dataset_id: Any) -> Response:
        row = found(dataset_id)
        user: Any = request.user
        if row.requested_by_id != user.pk and user.role == Role.ANALYST and not user.is_superuser:
            raise PermissionDenied("Only who asked for it or an operator may delete a dataset.")
        try:
            datasets.delete_dataset(dataset_id=row.pk)
        except datasets.StillBuilding as error:
            raise Conflict(str(error)) from None
        return Response(status=204)


class Download(APIView):
    """The file of a dataset."""

    roles = TRAINERS
    content_negotiation_class = AnyMediaType

    @extend_schema(
        tags=["training"],
        responses={(200, media_type.partition(";")[0]): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request, dataset_id: Any) -> Any:
        row = found(dataset_id)
        if row.finished_at is None:
            task = datasets.tasks_of([row]).get(row.task_id)
            raise Conflict(f"There is no file yet: the dataset is {datasets.state_of(row, task)}.")
        try:
            file = datasets.file_of(row).open("rb")
        except FileNotFoundError:
            raise NotFound("The file of this dataset is gone.") from None
        log_audit_event("dataset_downloaded", "dataset", row.pk, {"sha256": row.sha256})
        answer = FileResponse(file, as_attachment=True, filename=row.path, content_type=MEDIA_TYPES[Format(row.format)])
        answer["Content-Length"], answer["ETag"] = str(row.bytes), f'"{row.sha256}"'
        answer["Cache-Control"] = "private, no-store"
        return answer


def found(dataset_id: Any) -> Dataset:
    try:
        return Dataset.objects.get(pk=dataset_id)
    except Dataset.DoesNotExist:
        raise NotFound("There is no such dataset.") from None


def address(row: Dataset) -> str:
    return f"/api/v1/features/datasets/{row.pk}"


def shown(row: Dataset, task: Task | None) -> dict[str, Any]:
    done = row.finished_at is not None
    return {
        "id": row.pk,
        "state": datasets.state_of(row, task),
        "progress": 100 if done else task.progress if task else 0,
        "message": "" if done or not task else task.error_message or task.progress_message,
        "format": row.format,
        "features": row.request["features"],
        "known_at": row.request["known_at"],
        "request_sha256": row.request_sha256,
        "rows": row.rows,
        "columns": row.columns,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "task": task_path(row.task_id),
        "download": f"{address(row)}/download" if done else None,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "expires_at": row.expires_at,
    }
