"""Webhooks over HTTP: one's own, or all for operators."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import EVERYONE
from tasks.models import Delivery, Webhook
from tasks.serializers import task_links
from tasks.webhooks import dispatch, endpoints
from tasks.webhooks import serializers as s

PAGE = {"cursor", "limit", "format"}


def found(request: Request, webhook_id: Any) -> Webhook:
    """The webhook, if the caller may see it; else it is as if there were none."""
    refuse_unknown(request, PAGE if request.method == "GET" else {"format"})
    row = endpoints.visible(request.user).filter(pk=webhook_id).first()
    if row is None:
        raise Http404
    return row


class Webhooks(ListAPIView):
    """The webhooks, newest first; and a new one, whose secret the answer shows this once."""

    roles = EVERYONE
    serializer_class = s.WebhookSerializer
    pagination_class = NewestFirst
    queryset = Webhook.objects.none()

    @extend_schema(tags=["webhooks"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, PAGE)
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return endpoints.visible(self.request.user)

    @extend_schema(tags=["webhooks"], request=s.WebhookCreateSerializer, responses={201: s.WebhookSecretSerializer})
    def post(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        asked = s.WebhookCreateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            made = endpoints.create(owner=request.user, **asked.validated_data)
        except endpoints.TooMany as error:
            raise Conflict(str(error)) from None
        where = {"Location": f"/api/v1/webhooks/{made.pk}", "Cache-Control": "no-store"}
        return Response(s.WebhookSecretSerializer(made).data, status=201, headers=where)


class WebhookDetail(APIView):
    """One webhook: look, change, disable or enable, take away."""

    roles = EVERYONE

    @extend_schema(tags=["webhooks"], responses=s.WebhookSerializer)
    def get(self, request: Request, webhook_id: Any) -> Response:
        return Response(s.WebhookSerializer(found(request, webhook_id)).data)

    @extend_schema(tags=["webhooks"], request=s.WebhookPatchSerializer(partial=True), responses=s.WebhookSerializer)
    def patch(self, request: Request, webhook_id: Any) -> Response:
        row = found(request, webhook_id)
        asked = s.WebhookPatchSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        fields = dict(asked.validated_data)
        enabled = fields.pop("enabled", None)
        try:
            if enabled is not None and enabled == (row.disabled_at is not None):
                if enabled:
                    endpoints.enable(webhook=row, user=request.user)
                else:
                    endpoints.disable(webhook=row, reason="Asked for over the API.")
            row = endpoints.change(webhook=row, **fields)
        except endpoints.WrongState as error:
            raise Conflict(str(error)) from None
        return Response(s.WebhookSerializer(row).data)

    @extend_schema(tags=["webhooks"], responses={204: None})
    def delete(self, request: Request, webhook_id: Any) -> Response:
        endpoints.delete(webhook=found(request, webhook_id))
        return Response(status=204)


class RotateSecret(APIView):
    """A new secret, shown this once. For a day messages are signed with the one before, too."""

    roles = EVERYONE

    @extend_schema(tags=["webhooks"], request=None, responses=s.WebhookSecretSerializer)
    def post(self, request: Request, webhook_id: Any) -> Response:
        row = endpoints.rotate_secret(webhook=found(request, webhook_id))
        return Response(s.WebhookSecretSerializer(row).data, headers={"Cache-Control": "no-store"})


class TestWebhook(APIView):
    """Send a `webhook.test` message."""

    roles = EVERYONE

    @extend_schema(tags=["webhooks"], request=None, responses={202: s.DeliverySerializer})
    def post(self, request: Request, webhook_id: Any) -> Response:
        row = found(request, webhook_id)
        try:
            delivery = dispatch.send_test(webhook=row)
        except endpoints.WrongState as error:
            raise Conflict(str(error)) from None
        return accepted(delivery)


class Deliveries(ListAPIView):
    """The messages of the last 30 days to one webhook, newest first, each with its attempts."""

    roles = EVERYONE
    serializer_class = s.DeliverySerializer
    pagination_class = NewestFirst
    queryset = Delivery.objects.none()

    @extend_schema(tags=["webhooks"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        row = found(self.request, self.kwargs["webhook_id"])
        return row.deliveries.defer("payload").prefetch_related("attempts")


class Resend(APIView):
    """Send a message again: the same bytes and message id, as a delivery of its own."""

    roles = EVERYONE

    @extend_schema(tags=["webhooks"], request=None, responses={202: s.DeliverySerializer})
    def post(self, request: Request, webhook_id: Any, delivery_id: Any) -> Response:
        delivery = found(request, webhook_id).deliveries.filter(pk=delivery_id).first()
        if delivery is None:
            raise Http404
        try:
            new = dispatch.resend(delivery=delivery)
        except endpoints.WrongState as error:
            raise Conflict(str(error)) from None
        return accepted(new)


def accepted(delivery: Delivery) -> Response:
    return Response(s.DeliverySerializer(delivery).data, status=202, headers=task_links(delivery.sender_id))
