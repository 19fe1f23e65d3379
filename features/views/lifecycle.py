"""What becomes of versions and entities, over HTTP: compare, promote and withdraw a version; erase an entity."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.problems import Conflict, Unavailable
from base.queries import refuse_unknown
from base.roles import Role
from features import services
from features.catalogue import WrongState, is_live
from features.definitions import entities, find_feature_set
from features.erasure.erase import Busy
from features.models import FeatureSetVersion
from features.quality import serializers as s
from features.quality.difference import NotComparable
from features.serializers import StartedSerializer
from tasks.serializers import RequiredReasonSerializer, task_links

REASON = OpenApiParameter(
    "X-Reason", str, OpenApiParameter.HEADER, required=True, description="kept in the audit trail; name nobody in it"
)


class Diff(APIView):
    """Compute two versions for a sample of entities, as of now, and say what changes: the result of the task."""

    roles = {Role.ANALYST, Role.OPERATOR}

    @extend_schema(tags=["features"], request=s.DiffRequestSerializer, responses={202: StartedSerializer})
    def post(self, request: Request) -> Response:
        asked = s.DiffRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            task_id = services.request_comparison(**asked.validated_data)
        except NotComparable as error:
            raise ValidationError({"new": [str(error)]}) from None
        body = {"task_id": task_id, "message": "The versions are compared", "status": "queued"}
        return Response(body, 202, headers=task_links(task_id))


class Switch(APIView):
    """A version declared with live=False, switched by its `act`."""

    roles = {Role.OPERATOR}
    act: Any = None

    def switch(self, request: Request, feature_set: str) -> Response:
        asked = RequiredReasonSerializer(data=request.data)
        name, _, version = feature_set.partition("@")
        declared = find_feature_set(name, version)
        if declared is None:
            raise NotFound(f"There is no feature set {feature_set[:150]}; write name@version.")
        asked.is_valid(raise_exception=True)
        try:
            type(self).act(row=FeatureSetVersion.objects.get(name=name, version=version), **asked.validated_data)
        except WrongState as error:
            raise Conflict(str(error)) from None
        return Response({"feature_set": name, "version": version, "live": is_live(declared)})


class Promote(Switch):
    """Serve this version to who names none."""

    act = services.promote_version

    @extend_schema(tags=["features"], request=RequiredReasonSerializer, responses=s.StateSerializer)
    def post(self, request: Request, feature_set: str) -> Response:
        return self.switch(request, feature_set)


class Withdraw(Switch):
    """Serve it only to who names it, as before it was promoted."""

    act = services.withdraw_version

    @extend_schema(tags=["features"], request=RequiredReasonSerializer, responses=s.StateSerializer)
    def post(self, request: Request, feature_set: str) -> Response:
        return self.switch(request, feature_set)


class ErasedEntities(APIView):
    """Erase an entity's events, values and history for good, and refuse its events from then on."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], parameters=[REASON], responses=s.ErasedSerializer)
    def delete(self, request: Request, entity_type: str, entity_id: str) -> Response:
        refuse_unknown(request, {"format"})
        refuse_strange(entity_type, entity_id)
        reason = request.headers.get("X-Reason", "").strip()
        if not reason or len(reason) > 300:
            raise ValidationError({"X-Reason": ["A header with the reason, at most 300 characters, is required."]})
        try:
            done, task_id = services.erase_entity(entity_type=entity_type, entity_id=entity_id, reason=reason)
        except Busy as error:
            raise Unavailable(str(error)) from None
        return Response({"name": done.name, "rows": done.rows, "task_id": task_id})


class Proof(APIView):
    """Ask every table that could hold the entity how many of its rows do."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], responses=s.ProofSerializer)
    def get(self, request: Request, entity_type: str, entity_id: str) -> Response:
        refuse_unknown(request, {"format"})
        refuse_strange(entity_type, entity_id)
        rows = services.proof(entity_type, entity_id)
        return Response({"erased": not any(rows.values()), "rows": rows})


def refuse_strange(entity_type: str, entity_id: str) -> None:
    """What cannot be an entity is not there."""
    if entity_type not in entities() or len(entity_id) > 100 or "\x00" in entity_id:
        raise NotFound
