"""Shut people and programs out, and let them in again. For admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import User
from accounts.serializers import LockReasonSerializer, LockSerializer
from accounts.views import valid
from base.roles import Role


class Lock(APIView):
    roles = {Role.ADMIN}

    @extend_schema(
        operation_id="lock_user", summary="Lock an account", tags=["users"], request=LockReasonSerializer,
        responses=LockSerializer,
    )  # fmt: skip
    def post(self, request: Request, user_id: int) -> Response:
        """Tokens, keys and console logins stop at once. 409 for oneself, or for a superuser by another admin."""
        return _act(services.lock_user, request, user_id)


class Unlock(APIView):
    roles = {Role.ADMIN}

    @extend_schema(
        operation_id="unlock_user", summary="Unlock an account", tags=["users"], request=LockReasonSerializer,
        responses=LockSerializer,
    )  # fmt: skip
    def post(self, request: Request, user_id: int) -> Response:
        """Sessions stay closed, keys work again."""
        return _act(services.unlock_user, request, user_id)


def _act(service: Callable[..., Any], request: Request, user_id: int) -> Response:
    reason = valid(LockReasonSerializer, request)["reason"]
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise Http404
    service(user=user, reason=reason, by=request.user)
    user.refresh_from_db(fields=["is_active"])
    return Response(LockSerializer(user).data)
