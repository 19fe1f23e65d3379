"""Duplicates over HTTP: everybody sees what was merged; reviewers see what may be, and decide."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.artifacts import ArtifactError
from base.desk import acting
from base.problems import Unavailable
from base.queries import refuse_unknown
from base.roles import Role
from reports.duplicates import merging
from reports.duplicates import serializers as s
from reports.duplicates.search import find_many
from reports.filing.access import OPEN, viewer_of
from reports.models import DuplicateLink

REVIEWERS = frozenset({Role.REVIEWER})


class ReportDuplicates(APIView):
    """Where a report goes on if it was merged, and what was merged into it."""

    permission_classes = OPEN

    @extend_schema(tags=["reports"], responses=s.DuplicatesSerializer)
    def get(self, request: Request, report_id: int) -> Response:
        refuse_unknown(request, {"format"})
        report = viewer_of(request).find(report_id)
        merged = DuplicateLink.objects.filter(report__merged_into=report, state=DuplicateLink.State.MERGED)
        found = {"merged_into": report.merged_into_id, "results": merged.order_by("report_id")}
        return Response(s.DuplicatesSerializer(found).data)


class Candidates(APIView):
    """What a report may be a duplicate of, as the model sees it now, and what was said before."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], responses=s.CandidatesSerializer)
    def get(self, request: Request, report_id: int) -> Response:
        refuse_unknown(request, {"format"})
        report = viewer_of(request).find(report_id)
        try:
            found = find_many([report])[report.pk]
        except ArtifactError:
            raise Unavailable("The finder of duplicates cannot be read now.") from None
        links = DuplicateLink.objects.filter(report=report).select_related("decided_by")
        body = {
            "probability": found.probability,
            "model_version": found.model_version,
            "candidates": found.candidates,
            "links": links,
        }
        return Response(s.CandidatesSerializer(body).data)


class ReviewersDecision(APIView):
    """What a reviewer says about duplicates of a report."""

    roles = REVIEWERS

    def decide(self, service: Any, request: Request, asked: Any, report_id: int) -> Response:
        refuse_unknown(request, {"format"})
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        for one in (report_id, given.get("into_id", report_id)):
            viewer_of(request).find(one)
        link = acting(service, {}, report_id=report_id, by=request.user, **given)
        return Response(s.LinkSerializer(link).data)


class MergeReport(ReviewersDecision):
    """Merge a report into another one about the same thing."""

    @extend_schema(tags=["reports"], request=s.MergeSerializer, responses=s.LinkSerializer)
    def post(self, request: Request, report_id: int) -> Response:
        return self.decide(merging.merge, request, s.MergeSerializer(data=request.data), report_id)


class UnmergeReport(ReviewersDecision):
    """Undo a merge: the report goes on by itself, where it was."""

    @extend_schema(tags=["reports"], request=s.NoteSerializer, responses=s.LinkSerializer)
    def post(self, request: Request, report_id: int) -> Response:
        return self.decide(merging.unmerge, request, s.NoteSerializer(data=request.data), report_id)


class RejectDuplicate(ReviewersDecision):
    """Two reports are not about the same thing."""

    @extend_schema(tags=["reports"], request=s.RejectSerializer, responses=s.LinkSerializer)
    def post(self, request: Request, report_id: int) -> Response:
        return self.decide(merging.reject, request, s.RejectSerializer(data=request.data), report_id)
