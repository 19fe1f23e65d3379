"""Items of the review queue as reviewers see them, and what they may send."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from rest_framework import serializers

from base.serializers import StrictSerializer
from reports.models import Report, ReviewDecision, ReviewItem
from reports.review.clock import resolve_by
from reports.review.models import Why
from reports.review.reasons import REASONS


class ReportInReviewSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    severity = serializers.ChoiceField(choices=Report.Severity.choices)
    status = serializers.ChoiceField(choices=Report.Status.choices)
    category = serializers.CharField(source="category_id", allow_null=True)
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    address = serializers.CharField()
    reported_at = serializers.DateTimeField()
    resolve_by = serializers.SerializerMethodField(help_text="By when its category promises it solved.")

    def get_resolve_by(self, report: Report) -> datetime | None:
        return resolve_by(report)


class SuggestionSerializer(serializers.Serializer):
    category = serializers.CharField()
    probability = serializers.FloatField()
    model_version = serializers.CharField()


class ReportReviewSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    report = ReportInReviewSerializer()
    department = serializers.CharField(source="department_id", allow_null=True)
    why = serializers.ListField(child=serializers.ChoiceField(choices=Why.choices))
    details = serializers.DictField()
    risk = serializers.FloatField()
    status = serializers.ChoiceField(choices=ReviewItem.Status.choices)
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    overdue = serializers.SerializerMethodField()
    claimed_by = serializers.CharField(allow_null=True)
    claim_until = serializers.DateTimeField(allow_null=True)

    def get_overdue(self, item: ReviewItem) -> bool:
        return item.status != ReviewItem.Status.DONE and item.due_at < timezone.now()


class ReportDecisionSerializer(serializers.Serializer):
    """What became of an item; the report has followed it."""

    id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    report = serializers.IntegerField(source="report_id")
    kind = serializers.ChoiceField(choices=ReviewDecision.Kind.choices)
    suggested = serializers.CharField(source="suggested_id", allow_null=True)
    category = serializers.CharField(source="category_id", allow_null=True)
    into = serializers.IntegerField(source="into_id", allow_null=True)
    reason = serializers.CharField()
    public_text = serializers.CharField()
    at = serializers.DateTimeField()


class ReviewNextSerializer(StrictSerializer):
    after = serializers.IntegerField(
        min_value=1, max_value=2**62, required=False, help_text="An item to leave: the first free one behind it."
    )


class ReviewReleaseSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class ReviewNoteSerializer(StrictSerializer):
    note = serializers.CharField(max_length=1000, default="", allow_blank=True, help_text="For staff alone.")


class ReviewCorrectSerializer(ReviewNoteSerializer):
    category = serializers.SlugField(max_length=30)


class ReviewRejectSerializer(ReviewNoteSerializer):
    reason = serializers.ChoiceField(choices=[(one.code, one.title) for one in REASONS.values()])
    public_text = serializers.CharField(
        max_length=1000, default="", allow_blank=True, help_text="What the resident reads; the reason's own if empty."
    )


class ReviewMergeSerializer(ReviewNoteSerializer):
    into = serializers.IntegerField(min_value=1, max_value=2**62, help_text="The report that goes on for both.")


class RejectReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    public_text = serializers.CharField()
    in_good_faith = serializers.BooleanField(help_text="It costs the resident no reputation.")
