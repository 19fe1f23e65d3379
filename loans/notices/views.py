"""A notice over HTTP: as JSON, or by `Accept` as the page or the text itself."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.renderers import JSONRenderer
from base.roles import Role
from loans.models import CreditDecision, LoanRequest, Notice
from loans.notices import issue, wording


class AsIs(BaseRenderer):
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> Any:
        return data


class PageRenderer(AsIs):
    media_type, format = "text/html", "html"


class TextRenderer(AsIs):
    media_type, format = "text/plain", "txt"


class NoticeSerializer(serializers.Serializer):
    """issued_at and sent_at are null while it waits; the texts are then what will be said."""

    loan_request_id = serializers.UUIDField()
    decision_id = serializers.UUIDField()
    due_date = serializers.DateField()
    channel = serializers.CharField(allow_null=True)
    issued_at = serializers.DateTimeField(allow_null=True)
    sent_at = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class LoanNotice(APIView):
    """What the borrower is told in writing of a decline. 404 while there is nothing to tell."""

    roles = {Role.CLIENT, Role.REVIEWER}
    renderer_classes = [JSONRenderer, PageRenderer, TextRenderer]

    @extend_schema(tags=["loans"], responses={(200, "application/json"): NoticeSerializer})
    def get(self, request: Request, request_id: Any) -> HttpResponse | Response:
        refuse_unknown(request, {"format"})
        body = notice_body(visible_decline(request.user, request_id))
        kind = getattr(request.accepted_renderer, "format", "json")
        if kind == "json":
            return Response(body)
        return HttpResponse(body["html" if kind == "html" else "text"], content_type=f"{_media(kind)}; charset=utf-8")


def _media(kind: str) -> str:
    return PageRenderer.media_type if kind == "html" else TextRenderer.media_type


def visible_decline(user: Any, request_id: Any) -> CreditDecision:
    """The decline of a request that this user may see. Raises Http404."""
    declines = CreditDecision.objects.filter(
        loan_request=request_id,
        loan_request__status=LoanRequest.Status.DECLINED,
        outcome=CreditDecision.Outcome.DECLINED,
    )
    if user.role == Role.CLIENT and not user.is_superuser:
        declines = declines.filter(loan_request__borrower__user=user)
    found = declines.select_related("loan_request__borrower__user").first()
    if found is None:
        raise Http404
    return found


def notice_body(decision: CreditDecision) -> dict[str, Any]:
    """What was told, word for word; before it is issued, what will be."""
    stored = Notice.objects.filter(decision=decision).first()
    said = stored or issue.wording_of(decision)
    return {
        "loan_request_id": decision.loan_request_id,
        "decision_id": decision.pk,
        "due_date": wording.due_date(decision.loan_request.created_at),
        "channel": stored and stored.channel,
        "issued_at": stored and stored.issued_at,
        "sent_at": stored and stored.sent_at,
        "sha256": said.sha256,
        "subject": said.subject,
        "text": said.text,
        "html": said.html,
    }
