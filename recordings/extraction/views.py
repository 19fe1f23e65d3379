"""Pictures of measurements over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from base.negotiation import AnyMediaType
from base.queries import refuse_unknown
from recordings.access import READERS, find_measurement
from recordings.models import MeasurementFeatures

HOUR_S = 3_600


class _Picture(APIView):
    roles = READERS
    content_negotiation_class = AnyMediaType
    kind = ""

    @extend_schema(tags=["recordings"], responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, measurement_id: UUID) -> HttpResponse:
        """404 for what nobody has measured yet, for what cannot be drawn, and for what one may not see."""
        refuse_unknown(request, {"format"})
        measurement = find_measurement(request.user, measurement_id)
        row = MeasurementFeatures.objects.filter(pk=measurement.pk).exclude(**{self.kind: ""}).first()
        if row is None:
            raise Http404
        tag = f'"{row.pk.hex}-{self.kind}-{row.computed_at.timestamp():.0f}"'
        found: Any = get_conditional_response(request._request, etag=tag) or self._file(row)
        found["ETag"] = tag
        found["Cache-Control"] = f"private, max-age={HOUR_S}"
        found["X-Content-Type-Options"] = "nosniff"
        return found

    def _file(self, row: MeasurementFeatures) -> FileResponse:
        try:
            file = (settings.MEDIA_ROOT / getattr(row, self.kind)).open("rb")
        except FileNotFoundError:
            raise Http404 from None
        return FileResponse(file, content_type="image/png", filename=f"{row.pk}-{self.kind}.png")


class Spectrogram(_Picture):
    """Power of a measurement over time and frequency."""

    kind = "spectrogram"


class Spectrum(_Picture):
    """Power of a measurement over frequency, averaged over all of it."""

    kind = "spectrum"
