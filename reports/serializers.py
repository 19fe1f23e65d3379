"""Reports as clients send and read them. Degrees of WGS 84, metres, UTC."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from base.serializers import StrictSerializer
from reports.filing.access import Viewer
from reports.filing.public import masked
from reports.models import Comment, Confirmation, Photo, Report, StatusChange

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


class PhotoSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.CharField(help_text="`?size=small` gives a small one.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class ReportDetailSerializer(ReportSerializer):
    """One report. due_at: until when its department promises to resolve it."""

    category_confidence = serializers.FloatField(allow_null=True, help_text="Of the model; null where people decided.")
    due_at = serializers.DateTimeField(allow_null=True)
    confirmed_by_me = serializers.BooleanField()
    photos = PhotoSerializer(many=True)


class NearReportSerializer(ReportSerializer):
    distance_m = serializers.FloatField()


class NearbySerializer(serializers.Serializer):
    results = NearReportSerializer(many=True)


class StepSerializer(serializers.Serializer):
    """A step of a report's life. by: resident, staff or system. note: empty where it is not for residents."""

    from_status = serializers.ChoiceField(choices=[*STATUSES, ("", "filed")], allow_blank=True)
    to_status = serializers.ChoiceField(choices=STATUSES)
    by = serializers.ChoiceField(choices=["resident", "staff", "system"])
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class HistorySerializer(serializers.Serializer):
    results = StepSerializer(many=True)


class CategorySerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    department = serializers.CharField()
    department_name = serializers.CharField()
    resolve_hours = serializers.IntegerField()


class CategoriesSerializer(serializers.Serializer):
    results = CategorySerializer(many=True)


MOVED_BY_HAND = [choice for choice in STATUSES if choice[0] != Report.Status.DUPLICATE]


class ReportPatchSerializer(StrictSerializer):
    """Its reporter corrects what it says; those who deal with it say how it goes on. A merge has its own address."""

    title = Line(min_length=3, max_length=200, required=False)
    description = PlainText(min_length=3, max_length=5_000, required=False)
    latitude = Degrees(min_value=-90, max_value=90, required=False)
    longitude = Degrees(min_value=-180, max_value=180, required=False)
    address = Line(max_length=300, required=False, allow_blank=True)
    severity = serializers.ChoiceField(choices=SEVERITIES, required=False)
    category = serializers.SlugField(max_length=30, required=False)
    status = serializers.ChoiceField(choices=MOVED_BY_HAND, required=False)
    note = PlainText(max_length=1_000, required=False, allow_blank=True)
    note_is_public = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Nothing to change.")
        if ("note" in attrs or "note_is_public" in attrs) and "status" not in attrs:
            raise serializers.ValidationError({"note": ["A note goes with a status."]})
        if ("latitude" in attrs) != ("longitude" in attrs):
            raise serializers.ValidationError("latitude and longitude go together.")
        return attrs


def step_body(step: StatusChange, report: Report, viewer: Viewer) -> dict[str, Any]:
    by = "system" if step.by_id is None else "resident" if step.by_id == report.reporter_id else "staff"
    if not step.from_status:
        by = "resident"
    readable = step.is_public or viewer.handles(report)
    return {
        "from_status": step.from_status,
        "to_status": step.to_status,
        "by": by,
        "note": step.note if readable else "",
        "at": step.at,
    }


def photo_body(photo: Photo) -> dict[str, Any]:
    return {
        "id": photo.pk,
        "url": reverse("report-photo", args=[photo.report_id, photo.pk]),
        "width": photo.width,
        "height": photo.height,
        "created_at": photo.created_at,
    }


def report_body(report: Report, viewer: Viewer) -> dict[str, Any]:
    own = viewer.owns(report)
    shown = str if own or viewer.handles(report) else masked
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


def detail_body(report: Report, viewer: Viewer) -> dict[str, Any]:
    due = report.category and report.reported_at + timedelta(hours=report.category.resolve_hours)
    confirmed = viewer.user is not None and Confirmation.objects.filter(report=report, user=viewer.user).exists()
    return report_body(report, viewer) | {
        "category_confidence": _confidence(report),
        "due_at": due,
        "confirmed_by_me": confirmed,
        "photos": [photo_body(photo) for photo in report.photos.all()],
    }


def _confidence(report: Report) -> float | None:
    """How sure the model is of the category it gave; None where there is none, or where people decided."""
    said = report.classifications.first()
    stands = said is not None and said.category_id == report.category_id and not report.corrections.exists()
    return round(said.probability, 4) if said is not None and stands else None


class ConfirmedSerializer(serializers.Serializer):
    confirmed = serializers.BooleanField()
    confirmations_count = serializers.IntegerField()


class CommentCreateSerializer(StrictSerializer):
    text = PlainText(min_length=1, max_length=2_000)


class CommentPatchSerializer(StrictSerializer):
    hidden = serializers.BooleanField()


class CommentSerializer(serializers.Serializer):
    """by: resident or staff. hidden: only its author and staff still see it."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    by = serializers.ChoiceField(choices=["resident", "staff"])
    is_own = serializers.BooleanField()
    hidden = serializers.BooleanField()
    created_at = serializers.DateTimeField()


def comment_body(comment: Comment, report: Report, viewer: Viewer) -> dict[str, Any]:
    own = viewer.user is not None and comment.author_id == viewer.user.pk
    shown = str if own or comment.by_staff or viewer.handles(report) else masked
    return {
        "id": comment.pk,
        "text": shown(comment.text),
        "by": "staff" if comment.by_staff else "resident",
        "is_own": own,
        "hidden": comment.hidden_at is not None,
        "created_at": comment.created_at,
    }
