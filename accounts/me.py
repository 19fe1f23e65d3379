"""What people see and do about their own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.authentication import BearerAuthentication
from accounts.models import LoginDay, Session, User
from accounts.serializers import (
    ConfirmEmailSerializer,
    MessageSerializer,
    NothingSerializer,
    ProfileSerializer,
    RevokedSerializer,
    SessionsSerializer,
    UserSerializer,
)
from accounts.sessions import open_sessions
from accounts.views import PRIVATE, valid
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import EVERYONE, Role

SHOWN = 200


class Me(APIView):
    roles = {"GET": EVERYONE, "PATCH": EVERYONE, "DELETE": {Role.CLIENT}}

    @extend_schema(operation_id="me", summary="The caller's account", tags=["users"], responses=UserSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, set())
        return _account(_caller(request).pk)

    @extend_schema(
        operation_id="change_me",
        summary="Change the caller's account",
        tags=["users"],
        request=ProfileSerializer,
        responses=UserSerializer,
    )
    def patch(self, request: Request) -> Response:
        """What is left out stays. Role, phone and reputation are not the caller's to change."""
        services.change_profile(user=_caller(request), changes=valid(ProfileSerializer, request))
        return _account(_caller(request).pk)

    @extend_schema(
        operation_id="delete_me",
        summary="Delete the caller's account",
        tags=["users"],
        request=None,
        responses={204: OpenApiResponse(description="The account is empty and nothing of it works any more.")},
    )
    def delete(self, request: Request) -> Response:
        """Within ten minutes of a login; else 403. 409 while the account is a party to something unfinished."""
        valid(NothingSerializer, request)
        if not isinstance(request.auth, Session):
            raise services.NotOneself("An account is deleted by its owner, after a login by phone.")
        services.close_account(session=request.auth)
        return Response(status=204)


class SendVerification(APIView):
    roles = EVERYONE

    @extend_schema(
        operation_id="send_email_verification",
        summary="Have a link sent to the caller's address",
        tags=["users"],
        request=None,
        responses=MessageSerializer,
    )
    def post(self, request: Request) -> Response:
        """A new link voids the old. 409 without an address, or with a verified one."""
        valid(NothingSerializer, request)
        services.request_verification(user=_caller(request))
        return Response({"message": "Verification email sent"})


class ConfirmEmail(APIView):
    roles = EVERYONE

    @extend_schema(
        operation_id="confirm_email",
        summary="Verify the caller's address by the token sent to it",
        tags=["users"],
        request=ConfirmEmailSerializer,
        responses=MessageSerializer,
    )
    def post(self, request: Request) -> Response:
        services.confirm_email(token=valid(ConfirmEmailSerializer, request)["token"], user=_caller(request))
        return Response({"message": "Email verified"})


class Sessions(APIView):
    roles = EVERYONE

    @extend_schema(
        operation_id="my_sessions",
        summary="Where the caller is logged in",
        tags=["users"],
        responses=SessionsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Open sessions, the one used last first."""
        refuse_unknown(request, set())
        current = request.auth.pk if isinstance(request.auth, Session) else None
        shown = {"results": open_sessions(_caller(request))[:SHOWN]}
        return Response(SessionsSerializer(shown, context={"current": current}).data, headers=PRIVATE)


class OneSession(APIView):
    roles = EVERYONE

    @extend_schema(
        operation_id="revoke_my_session",
        summary="Log the caller out elsewhere",
        tags=["users"],
        responses={204: OpenApiResponse(description="The session's tokens do not work any more.")},
    )
    def delete(self, request: Request, session_id: Any) -> Response:
        """Again is no error. 404 for a session that is not the caller's."""
        if not Session.objects.filter(pk=session_id, user=_caller(request)).exists():
            raise Http404
        services.revoke_session(session_id=session_id, reason="logout_elsewhere")
        return Response(status=204)


class RevokeOthers(APIView):
    authentication_classes = [BearerAuthentication]
    roles = EVERYONE

    @extend_schema(
        operation_id="revoke_my_other_sessions",
        summary="Log the caller out everywhere else",
        tags=["users"],
        request=None,
        responses=RevokedSerializer,
    )
    def post(self, request: Request) -> Response:
        """All sessions but the one that asks. Answers 409 to an API key, which has no session."""
        valid(NothingSerializer, request)
        if not isinstance(request.auth, Session):
            raise Conflict("An API key has no session to keep.")
        return Response({"revoked": services.revoke_other_sessions(keep=request.auth)})


def _caller(request: Request) -> User:
    user: Any = request.user
    return user


def _account(user_id: int) -> Response:
    month = LoginDay.objects.filter(user=OuterRef("pk"), day__gt=Now() - timedelta(days=30)).order_by()
    looks = month.values("user").annotate(sum=Sum("failed_looks")).values("sum")
    users = User.objects.select_related("login_statistics").annotate(failed_looks_30d=Coalesce(Subquery(looks), 0))
    return Response(UserSerializer(users.get(pk=user_id)).data, headers=PRIVATE)
