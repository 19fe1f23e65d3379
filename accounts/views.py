"""Log in, stay logged in, log out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.authentication import BearerAuthentication
from accounts.models import Session
from accounts.serializers import (
    MessageSerializer,
    NothingSerializer,
    RefreshSerializer,
    RequestOtpSerializer,
    TokensSerializer,
    VerifyOtpSerializer,
)
from accounts.tokens import Tokens
from base.permissions import Public
from base.problems import Conflict
from base.roles import EVERYONE
from base.throttles import AnonThrottle, ScopedThrottle, UserThrottle

PRIVATE = {"Cache-Control": "no-store"}


class OpenView(APIView):
    """No authentication is tried, so that an expired header does not keep anybody from logging in."""

    authentication_classes: Any = []
    permission_classes = [Public]


class RequestOtp(OpenView):
    throttle_classes = [AnonThrottle, UserThrottle, ScopedThrottle]
    throttle_scope = "otp_request"

    @extend_schema(
        operation_id="request_otp",
        summary="Have a one-time code sent to a phone",
        tags=["auth"],
        request=RequestOtpSerializer,
        responses=MessageSerializer,
    )
    def post(self, request: Request) -> Response:
        """The answer is the same whether or not somebody has this phone."""
        services.request_code(phone=valid(RequestOtpSerializer, request)["phone"])
        return Response({"message": "OTP sent successfully"})


class VerifyOtp(OpenView):
    throttle_classes = [AnonThrottle, UserThrottle, ScopedThrottle]
    throttle_scope = "otp_verify"

    @extend_schema(
        operation_id="verify_otp",
        summary="Log in by a one-time code",
        tags=["auth"],
        request=VerifyOtpSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        """The first login makes the account."""
        data = valid(VerifyOtpSerializer, request)
        return _tokens(services.verify_code(phone=data["phone"], code=data["otp"]))


class Refresh(OpenView):
    @extend_schema(
        operation_id="refresh_tokens",
        summary="New tokens for a refresh token",
        tags=["auth"],
        request=RefreshSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        """Each refresh token works once. Using a spent one closes the session."""
        data = valid(RefreshSerializer, request)
        return _tokens(services.refresh_session(refresh_token=data["refresh_token"]))


class Logout(APIView):
    authentication_classes = [BearerAuthentication]
    roles = EVERYONE

    @extend_schema(
        operation_id="logout",
        summary="Close the session of the access token",
        tags=["auth"],
        request=None,
        responses={204: OpenApiResponse(description="The session's tokens do not work any more.")},
    )
    def post(self, request: Request) -> Response:
        """Answers 409 to an API key, which has no session."""
        valid(NothingSerializer, request)
        if not isinstance(request.auth, Session):
            raise Conflict("An API key has no session to close.")
        services.revoke_session(session_id=request.auth.pk, reason="logout")
        return Response(status=204)


def valid(serializer_class: Any, request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _tokens(tokens: Tokens) -> Response:
    return Response(TokensSerializer(tokens).data, headers=PRIVATE)
