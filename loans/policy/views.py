"""Policies over HTTP: look, draft, try, approve, activate, let challenge."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from loans.models import PolicyVersion
from loans.policy import control
from loans.policy import serializers as s
from tasks.serializers import RequiredReasonSerializer, task_links

READERS = {Role.REVIEWER, Role.OPERATOR, Role.ANALYST, Role.AUDITOR}
WRITERS = {Role.REVIEWER}


class NewestPolicies(NewestFirst):
    ordering = ("-id",)


class Policies(APIView):
    """Lending policies, newest first; a new draft from one of them."""

    roles = {"GET": READERS, "POST": WRITERS}
    pagination_class = NewestPolicies

    @extend_schema(tags=["lending policies"], responses=s.LendingPolicySerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "cursor", "limit"})
        pages = self.pagination_class()
        rows = PolicyVersion.objects.select_related("rule_set", "author", "approved_by")
        found = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(s.LendingPolicySerializer(found, many=True).data)

    @extend_schema(
        tags=["lending policies"], request=s.DraftSerializer, responses={201: s.LendingPolicyDetailSerializer}
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        asked = s.DraftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = dict(asked.validated_data)
        try:
            row = control.draft_policy(note=wanted.pop("reason"), **wanted)
        except control.InvalidPolicy as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except control.NotYours as error:
            raise PermissionDenied(str(error)) from None
        return Response(s.LendingPolicyDetailSerializer(row).data, 201)


class PolicyDetail(APIView):
    """One policy with its rules, its newest trial, and how it compares as a challenger."""

    roles = READERS

    @extend_schema(tags=["lending policies"], responses=s.LendingPolicyDetailSerializer)
    def get(self, request: Request, version: str) -> Response:
        refuse_unknown(request, {"format"})
        return Response(s.LendingPolicyDetailSerializer(_found(version)).data)


class TryPolicy(APIView):
    """Try a policy on past requests behind; its newest report stands at the policy."""

    roles = WRITERS

    @extend_schema(
        tags=["lending policies"], request=s.TrialRequestSerializer, responses={202: s.StartedTrialSerializer}
    )
    def post(self, request: Request, version: str) -> Response:
        refuse_unknown(request, {"format"})
        asked = s.TrialRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        try:
            task_id = control.request_trial(policy_id=_found(version).pk, **asked.validated_data)
        except control.NotYours as error:
            raise PermissionDenied(str(error)) from None
        return Response({"task_id": task_id, "status": "queued"}, 202, headers=task_links(task_id))


class _Move(APIView):
    roles = WRITERS
    service: Any

    @extend_schema(
        tags=["lending policies"], request=RequiredReasonSerializer, responses=s.LendingPolicyDetailSerializer
    )
    def post(self, request: Request, version: str) -> Response:
        refuse_unknown(request, {"format"})
        asked = RequiredReasonSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        try:
            row = type(self).service(policy_id=_found(version).pk, reason=asked.validated_data["reason"])
        except control.WrongState as error:
            raise Conflict(str(error)) from None
        except control.NotYours as error:
            raise PermissionDenied(str(error)) from None
        return Response(s.LendingPolicyDetailSerializer(row).data)


class ApprovePolicy(_Move):
    """Say that a tried policy may act. Nobody approves what they wrote."""

    service = staticmethod(control.approve_policy)


class ActivatePolicy(_Move):
    """Let an approved policy decide from the next request on; the active one is retired."""

    service = staticmethod(control.activate_policy)


class RetirePolicy(_Move):
    """Put a policy away that does not act."""

    service = staticmethod(control.retire_policy)


class StartChallenger(_Move):
    """Let it decide in shadow what is asked from now on."""

    service = staticmethod(control.start_challenger)


class StopChallenger(_Move):
    """It decides no further in shadow; what it decided stays."""

    service = staticmethod(control.stop_challenger)


def _found(version: str) -> PolicyVersion:
    rows = PolicyVersion.objects.select_related("rule_set", "author", "approved_by")
    row = rows.filter(version=version).first() if "\x00" not in version else None
    if row is None:
        raise Http404
    return row
