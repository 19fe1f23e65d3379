"""Photos over HTTP: sent as a form, given out as JPEG."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.negotiation import AnyMediaType
from base.problems import Conflict, Unavailable
from base.queries import refuse_unknown
from base.roles import EVERYONE
from base.throttles import AnonThrottle, ScopedThrottle, UserThrottle
from reports import serializers as s
from reports.filing import photos, pictures
from reports.filing.access import OPEN, RESIDENTS, viewer_of
from reports.filing.uploads import read_capped
from reports.models import Photo

DAY_S = 86_400
SIZE = OpenApiParameter("size", {"type": "string", "enum": ["full", "small"]}, description="`small` fits 320 × 320.")


class ReportPhotos(APIView):
    """Add a photo to a report: its reporter, or who deals with it."""

    roles = RESIDENTS
    parser_classes = [MultiPartParser]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "report"

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        made = super().initialize_request(request, *args, **kwargs)
        read_capped(made)
        return made

    @extend_schema(
        tags=["reports"],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"photo": {"type": "string", "format": "binary"}},
                "required": ["photo"],
            }
        },
        responses={201: s.PhotoSerializer, 200: s.PhotoSerializer},
    )
    def post(self, request: Request, report_id: int) -> Response:
        """A JPEG, PNG or WebP picture, kept as a new JPEG without its metadata. 200 for one that is there already."""
        refuse_unknown(request, {"format"})
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        if not (viewer.owns(report) or viewer.handles(report)):
            raise PermissionDenied("Photos are added by who filed the report and by its department.")
        sent = request.data
        if list(sent) != ["photo"] or len(request.FILES.getlist("photo")) != 1:
            raise ValidationError({"photo": ["One file, and nothing else."]})
        try:
            photo, is_new = photos.add_photo(report=report, by=request.user, data=request.FILES["photo"].read())
        except pictures.NotAPicture as error:
            raise ValidationError({"photo": [str(error)]}) from None
        except pictures.Busy:
            raise Unavailable("Other photos are being looked at.") from None
        except photos.NoMorePhotos as error:
            raise Conflict(str(error)) from None
        return Response(s.photo_body(photo), status=201 if is_new else 200)


class ReportPhoto(APIView):
    """One photo of a report."""

    permission_classes = OPEN
    roles = {"DELETE": EVERYONE}
    content_negotiation_class = AnyMediaType
    throttle_classes = [AnonThrottle, UserThrottle]

    @extend_schema(tags=["reports"], parameters=[SIZE], responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, report_id: int, photo_id: UUID) -> HttpResponse:
        refuse_unknown(request, {"size", "format"})
        size = request.query_params.get("size", "full")
        if size not in ("full", "small"):
            raise ValidationError({"size": ["full or small."]})
        viewer_of(request).find(report_id)
        photo = _found(report_id, photo_id)
        tag = f'"{photo.sha256[:32]}-{size}"'
        found: Any = get_conditional_response(request._request, etag=tag) or _file(photo, small=size == "small")
        found["ETag"] = tag
        # What somebody may not see tomorrow is not kept for longer than a day, and by others only if it is open to all.
        found["Cache-Control"] = f"{'public' if 'read' in settings.REPORTS_ANONYMOUS else 'private'}, max-age={DAY_S}"
        found["X-Content-Type-Options"] = "nosniff"
        return found

    @extend_schema(tags=["reports"], responses={204: None})
    def delete(self, request: Request, report_id: int, photo_id: UUID) -> Response:
        """By who added it, or who deals with the report."""
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        photo = _found(report_id, photo_id)
        if not (viewer.handles(report) or photo.uploaded_by_id == viewer.user.pk):
            raise PermissionDenied("A photo is removed by who added it and by the report's department.")
        photos.remove_photo(photo=photo)
        return Response(status=204)


def _found(report_id: int, photo_id: UUID) -> Photo:
    photo = Photo.objects.filter(pk=photo_id, report_id=report_id).first()
    if photo is None:
        raise Http404
    return photo


def _file(photo: Photo, *, small: bool) -> FileResponse:
    try:
        file = default_storage.open(photos.name_of(photo.pk, small=small))
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(file, content_type="image/jpeg", filename=f"{photo.pk}.jpg")
