"""Recordings as SigMF files, given out in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from base.negotiation import AnyMediaType
from base.queries import refuse_unknown
from recordings.access import READERS, find_measurement
from recordings.models import Measurement
from recordings.samples import Samples, SamplesMissing, open_samples
from recordings.sigmf.export import Export

KINDS = {"sigmf-meta": "application/json", "sigmf-data": "application/octet-stream", "sigmf": "application/x-tar"}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
WANTED = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range of bytes of the sigmf-data.")


class RecordingFile(APIView):
    """A measurement as SigMF. kind: one of KINDS."""

    kind = "sigmf"
    roles = READERS
    content_negotiation_class = AnyMediaType

    @extend_schema(
        tags=["recordings"],
        parameters=[WANTED],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, measurement_id: UUID) -> HttpResponseBase:
        """Its metadata, its samples, or an archive of both. What `sigmf_validate` accepts, whatever came in."""
        refuse_unknown(request, {"format"})
        measurement = find_measurement(request.user, measurement_id)
        if self.kind == "sigmf-data" and not measurement.iq_data_location:
            raise NotFound("The measurement is metadata without samples.")
        try:
            export = export_of(measurement)
            return _answer(request, export, self.kind, f'"{measurement.pk.hex}-{self.kind}"')
        except SamplesMissing as error:
            raise NotFound(str(error)) from None


def export_of(measurement: Measurement) -> Export:
    """Raises SamplesMissing where the samples are not what was taken in."""
    samples: Samples | None = None
    if measurement.iq_data_location:
        samples = open_samples(measurement)
        samples.read(samples.count - 1, 1)  # so that nothing is promised that is gone
    return Export(measurement.name, measurement.metadata, samples, measurement.sha512)


def _answer(request: Request, export: Export, kind: str, tag: str) -> HttpResponseBase:
    """A measurement never changes, so its id is its tag."""
    unchanged = get_conditional_response(request._request, etag=tag)
    if unchanged is not None:
        return unchanged
    status, headers = 200, {"ETag": tag}
    pieces: Iterable[bytes]
    if kind == "sigmf-meta":
        meta = export.meta()
        size, pieces = len(meta), [meta]
    elif kind == "sigmf":
        size, pieces = export.archive()
    else:
        headers["Accept-Ranges"] = "bytes"
        start, end = _range(request, export.size, tag)
        size, pieces = end - start, export.data(start, end)
        if (start, end) != (0, export.size):
            status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{export.size}"
    name = content_disposition_header(True, f"{export.stem}.{kind}")
    headers |= {
        "Content-Length": str(size),
        "Content-Disposition": name or "attachment",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(pieces, status=status, content_type=KINDS[kind], headers=headers)


def _range(request: Request, size: int, tag: str) -> tuple[int, int]:
    """The bytes from one number to before another; all of them unless one range that there is was asked for."""
    found = RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or request.headers.get("If-Range", tag) != tag:
        return 0, size
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
    else:
        start, end = size - min(int(last or 0), size), size
    return (start, end) if start < end else (0, size)
