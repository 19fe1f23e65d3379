"""Reports as clients send and read them. Degrees of WGS 84, metres, UTC."""

from __future__ import annotations

import math
import re
from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer
from reports.filing.public import masked
from reports.models import Report

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # what XML has no place for either
SEVERITIES, STATUSES = Report.Severity.choices, Report.Status.choices


class PlainText(serializers.CharField):
    """Text of one or more lines; other control characters are refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if CONTROL.search(text):
            raise serializers.ValidationError("May not hold control characters.")
        return text


class Line(PlainText):
    def to_internal_value(self, data: Any) -> str:
        return " ".join(super().to_internal_value(data).split())


class Degrees(serializers.FloatField):
    """A finite JSON number."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class ReportCreateSerializer(StrictSerializer):
    title = Line(min_length=3, max_length=200)
    description = PlainText(min_length=3, max_length=5_000)
    latitude = Degrees(min_value=-90, max_value=90)
    longitude = Degrees(min_value=-180, max_value=180)
    severity = serializers.ChoiceField(choices=SEVERITIES, default=Report.Severity.MEDIUM)
    category = serializers.SlugField(max_length=30, required=False, help_text="As the resident sees it; a code.")
    address = Line(max_length=300, required=False)


class ReportSerializer(serializers.Serializer):
    """A report as everybody may read it: no names, and obvious e-mail addresses and phone numbers masked."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    address = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_null=True)
    department = serializers.CharField(allow_null=True)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    status = serializers.ChoiceField(choices=STATUSES)
    merged_into = serializers.IntegerField(allow_null=True)
    confirmations_count = serializers.IntegerField()
    comments_count = serializers.IntegerField()
    is_own = serializers.BooleanField()
    reported_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


def report_body(report: Report, viewer: Any, *, sees_all: bool = False) -> dict[str, Any]:
    """viewer: the account that reads, or None. sees_all: it deals with the report, so nothing is masked."""
    own = viewer is not None and report.reporter_id == viewer.pk
    shown = str if own or sees_all else masked
    return {
        "id": report.pk,
        "title": shown(report.title),
        "description": shown(report.description),
        "latitude": report.latitude,
        "longitude": report.longitude,
        "address": shown(report.address),
        "category": report.category_id,
        "department": report.department_id,
        "severity": report.severity,
        "status": report.status,
        "merged_into": report.merged_into_id,
        "confirmations_count": report.confirmations_count,
        "comments_count": report.comments_count,
        "is_own": own,
        "reported_at": report.reported_at,
        "updated_at": report.updated_at,
        "closed_at": report.closed_at,
    }
