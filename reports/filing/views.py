"""Reports over HTTP: file one, read them, correct one, move it on."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.throttles import ScopedThrottle
from reports import serializers as s
from reports.filing import services
from reports.filing.access import OPEN, somebody
from reports.filing.once import KEY, answer_once


class Reports(APIView):
    """File a report, and list them."""

    permission_classes = OPEN
    throttle_classes = [ScopedThrottle]
    throttle_scope = "report"

    @extend_schema(
        tags=["reports"],
        operation_id="reports_create",
        parameters=[KEY],
        request=s.ReportCreateSerializer,
        responses={201: s.ReportSerializer},
    )
    def post(self, request: Request) -> HttpResponse | Response:
        """File a report. Classification, the search for duplicates, reputation and the trail follow behind."""
        asked = s.ReportCreateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = somebody(request)

        def file() -> dict[str, Any]:
            try:
                report = services.file_report(by=user, **asked.validated_data)
            except services.UnknownCategory as error:
                raise ValidationError({"category": [str(error)]}) from None
            return s.report_body(report, user)

        return answer_once(request, "reports.file", request.data, file)
