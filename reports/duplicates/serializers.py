"""Duplicates as residents and reviewers see them."""

from __future__ import annotations

from rest_framework import serializers

from base.serializers import StrictSerializer
from reports.duplicates.models import DuplicateLink


class PairSerializer(serializers.Serializer):
    """original_id: where the report was put; both go on at its root."""

    report_id = serializers.IntegerField()
    original_id = serializers.IntegerField()
    distance_m = serializers.FloatField()
    days = serializers.FloatField(help_text="From the original to this report; negative if it was filed before.")


class MergedSerializer(PairSerializer):
    merged_at = serializers.DateTimeField(source="decided_at")


class DuplicatesSerializer(serializers.Serializer):
    """merged_into: where the report goes on; null if by itself. results: what was merged into it."""

    merged_into = serializers.IntegerField(allow_null=True)
    results = MergedSerializer(many=True)


class LinkSerializer(PairSerializer):
    """What the model or a person said about two reports."""

    state = serializers.ChoiceField(choices=DuplicateLink.State.choices)
    probability = serializers.FloatField(allow_null=True)
    model_version = serializers.CharField(allow_blank=True)
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class CandidateSerializer(serializers.Serializer):
    report_id = serializers.IntegerField()
    probability = serializers.FloatField()
    distance_m = serializers.FloatField()
    days = serializers.FloatField()


class CandidatesSerializer(serializers.Serializer):
    """probability: that the report is a duplicate at all. candidates: of what, likeliest first. links: said before."""

    probability = serializers.FloatField()
    model_version = serializers.CharField()
    candidates = CandidateSerializer(many=True)
    links = LinkSerializer(many=True)


class NoteSerializer(StrictSerializer):
    note = serializers.CharField(max_length=1000, default="", allow_blank=True, help_text="For staff alone.")


class MergeSerializer(NoteSerializer):
    into = serializers.IntegerField(source="into_id", min_value=1, max_value=2**63 - 1)


class RejectSerializer(NoteSerializer):
    of = serializers.IntegerField(source="into_id", min_value=1, max_value=2**63 - 1)
