"""Features out, over HTTP: one, a set, or several sets, of one entity or many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from base.errand import Errand
from base.renderers import answer
from features import serializers as s
from features.catalogue import serving_set
from features.serving import reading
from features.serving.asked import MixedEntities, asked_of
from features.serving.online import NULL_VALUE, Online, online
from features.serving.plain import plain_question
from features.serving.stored import UnknownFeature, find_feature
from features.views.catalogue import READERS

MOST_TOGETHER = 8  # entities
ASKED = s.InferenceRequestSerializer()  # one for all requests: making its fields anew costs more than the read


class Inference(APIView):
    """Values of features, stored or computed now, each with its status and its age.

    One feature of one entity: `feature_type` and `entity_id`. A set: `feature_set` and `entity_ids`. Features of
    several sets: `features` and `entity_ids`. What is not stored is computed; what is older than `max_age_s` or the
    set's ttl is computed anew or refused, as `if_older` says.
    """

    roles = READERS
    question: dict[str, Any] | None = None
    errand: Errand | None = None

    def perform_authentication(self, request: Request) -> None:
        """A question that is plain is answered in the round trip that looks who asks."""
        self.question = plain_question(request._request)
        if self.question is not None:
            self.errand = request._request.errand = _errand(self.question)  # type: ignore[attr-defined]
        super().perform_authentication(request)

    @extend_schema(
        tags=["features"],
        request=s.InferenceRequestSerializer,
        responses=PolymorphicProxySerializer(
            component_name="Inferred",
            serializers=[s.InferenceSerializer, s.SetInferenceSerializer, s.SetsInferenceSerializer],
            resource_type_field_name=None,
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        data = self.question or ASKED.run_validation(request.data)
        max_age = timedelta(seconds=data["max_age_s"]) if "max_age_s" in data else None
        bounds = {"max_age": max_age, "if_older": data.get("if_older"), "errand": self.errand}
        if "feature_type" in data:
            return answer(_one_feature(data["feature_type"], data["entity_id"], bounds))
        if "feature_set" in data:
            return answer(_one_set(data["feature_set"], data.get("feature_version"), data["entity_ids"], bounds))
        return answer(_several_sets(data["features"], data["entity_ids"], bounds))


def _errand(question: dict[str, Any]) -> Errand | None:
    """For few entities: each of their rows would bring the credential's columns along."""
    ids = question.get("entity_ids") or [question["entity_id"]]
    if question.get("max_age_s") == 0 or len(ids) > MOST_TOGETHER:
        return None
    references: Sequence[Any] = question.get("features") or [question.get("feature_type")]
    if "feature_set" in question:
        references = [serving_set(question["feature_set"], question.get("feature_version"))]
    try:
        return reading.errand(asked_of(references), ids) if references[0] else None
    except (UnknownFeature, MixedEntities):
        return None  # said when it is known who asks


def _one_feature(feature_type: str, entity_id: str, bounds: dict[str, Any]) -> dict[str, Any]:
    try:
        feature_set, name = find_feature(feature_type)
    except UnknownFeature as error:
        raise ValidationError({"feature_type": [str(error)]}) from None
    [found] = online([f"{feature_set.label()}:{name}"], [entity_id], **bounds)[entity_id]
    shown = {
        "feature_type": feature_type,
        "entity_id": entity_id,
        "feature_value": found.values()[name],
        "computed_at": found.row and found.row.computed_at,
        "success": found.success,
        "status": found.statuses()[name],
        "as_of": found.row and found.row.as_of,
        "age_s": found.age_s,
    }
    return shown | {"error": found.error} if found.error else shown


def _one_set(name: str, version: str | None, entity_ids: Sequence[str], bounds: dict[str, Any]) -> dict[str, Any]:
    feature_set = serving_set(name, version)
    if feature_set is None:
        raise ValidationError({"feature_set": [f"There is no feature set {name}{f'@{version}' if version else ''}."]})
    found = online([feature_set], entity_ids, **bounds)
    return {
        "feature_set": feature_set.name,
        "feature_version": feature_set.version,
        "results": [{"entity_id": entity_id} | _values(found[entity_id][0]) for entity_id in entity_ids],
    }


def _several_sets(features: Sequence[str], entity_ids: Sequence[str], bounds: dict[str, Any]) -> dict[str, Any]:
    try:
        found = online(features, entity_ids, **bounds)
    except (UnknownFeature, MixedEntities) as error:
        raise ValidationError({"features": [str(error)]}) from None
    return {"results": [_of_sets(entity_id, found[entity_id]) for entity_id in entity_ids]}


def _of_sets(entity_id: str, sets: Sequence[Online]) -> dict[str, Any]:
    return {
        "entity_id": entity_id,
        "success": all(one.success for one in sets),
        "sets": [
            {"feature_set": one.asked.feature_set.name, "feature_version": one.asked.feature_set.version} | _values(one)
            for one in sets
        ],
    }


def _values(one: Online) -> dict[str, Any]:
    """Values as PostgreSQL wrote them; a row without nulls is not even read."""
    row, success = one.row, one.success
    shown = {
        "features": orjson.Fragment(row.vals) if row is not None and success else None,
        "as_of": row and row.as_of,
        "computed_at": row and row.computed_at,
        "source_rows": row and row.source_rows,
        "success": success,
        "status": one.status,
        "statuses": _statuses(one.asked.names, one.status, one.nulls() if success else frozenset()),
        "age_s": one.age_s,
    }
    if one.error:
        shown["error"] = one.error
    return shown


@lru_cache(maxsize=1024)
def _statuses(names: tuple[str, ...], status: str, nulls: frozenset[str]) -> orjson.Fragment:
    """Most rows of a set have the same, so it is written once."""
    return orjson.Fragment(orjson.dumps({name: NULL_VALUE if name in nulls else status for name in names}))
