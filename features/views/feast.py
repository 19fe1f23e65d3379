"""Features out in the shape of Feast's feature server, for clients that speak it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.serializers import StrictSerializer
from features.definitions import FeatureSet
from features.serializers import MAX_ENTITIES, MAX_FEATURES, STATUSES
from features.serving.online import PRESENT, online
from features.serving.stored import UnknownFeature, find_feature
from features.views.catalogue import READERS

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # what stands for no time in this shape


@extend_schema_field({"oneOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "integer"}]})
class EntityIdField(serializers.Field):
    """Text, or a whole number as text."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | str) or not 0 < len(str(data)) <= 100:
            raise serializers.ValidationError("An id is text of at most 100 characters, or a whole number.")
        return data


class OnlineFeaturesRequestSerializer(StrictSerializer):
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), min_length=1, max_length=MAX_FEATURES, required=False
    )
    entities = serializers.DictField(
        child=serializers.ListField(child=EntityIdField(), min_length=1, max_length=MAX_ENTITIES),
        allow_empty=False,
        help_text="ids by the entity's key or name; with several entities, lists of one length",
    )
    full_feature_names = serializers.BooleanField(default=False, help_text="`set__feature` in the answer")
    feature_service = serializers.CharField(required=False, help_text="not known here: name the features")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "feature_service" in attrs:
            raise serializers.ValidationError({"feature_service": "There are no feature services: send features."})
        if "features" not in attrs:
            raise serializers.ValidationError({"features": "This field is required."})
        if len({len(ids) for ids in attrs["entities"].values()}) > 1:
            raise serializers.ValidationError({"entities": "Each entity needs the same number of ids."})
        return attrs


ASKED = OnlineFeaturesRequestSerializer()


class OnlineMetadataSerializer(serializers.Serializer):
    feature_names = serializers.ListField(child=serializers.CharField())


class OnlineColumnSerializer(serializers.Serializer):
    values = serializers.ListField(child=serializers.JSONField())
    statuses = serializers.ListField(child=serializers.ChoiceField(choices=STATUSES))
    event_timestamps = serializers.ListField(child=serializers.DateTimeField())


class OnlineFeaturesSerializer(serializers.Serializer):
    metadata = OnlineMetadataSerializer()
    results = OnlineColumnSerializer(many=True)


class GetOnlineFeatures(APIView):
    """Values by column: first the entities' ids, then the features in the order asked, one item for each row.

    A value that is not served is null. The time of a value is its as-of time; 1970 where there is none.
    """

    roles = READERS

    @extend_schema(tags=["features"], request=OnlineFeaturesRequestSerializer, responses=OnlineFeaturesSerializer)
    def post(self, request: Request) -> Response:
        data = ASKED.run_validation(request.data)
        entities, full = data["entities"], data["full_feature_names"]
        wanted = [_found(reference) for reference in data["features"]]
        names = [*entities, *(_shown(*one, full) for one in wanted)]
        if len(set(names)) < len(names):
            raise ValidationError({"features": ["Two columns have one name: set full_feature_names."]})
        keys = {key: [one for one in wanted if key in {one[0].entity.key, one[0].entity.name}] for key in entities}
        _refuse_strays(wanted, keys)
        columns = {one: column for key, ours in keys.items() for one, column in _columns(ours, entities[key]).items()}
        ids = [_column([(item, PRESENT, NEVER) for item in items]) for items in entities.values()]
        return Response({"metadata": {"feature_names": names}, "results": [*ids, *(columns[one] for one in wanted)]})


Wanted = tuple[type[FeatureSet], str, str]  # the set, the feature, and the set as the client wrote it


def _found(reference: str) -> Wanted:
    written, _, _ = reference.rpartition(":")
    if not written:
        raise ValidationError({"features": [f"{reference[:120]!r} is not of the form set:feature."]})
    try:
        return *find_feature(reference), written
    except UnknownFeature as error:
        raise ValidationError({"features": [str(error)]}) from None


def _shown(feature_set: type[FeatureSet], name: str, written: str, full: bool) -> str:
    return f"{written}__{name}" if full else name


def _refuse_strays(wanted: Sequence[Wanted], keys: dict[str, list[Wanted]]) -> None:
    """Each feature needs the ids of its entity, and each entity a feature."""
    served = {one for ours in keys.values() for one in ours}
    for one in wanted:
        if one not in served:
            entity = one[0].entity
            raise ValidationError({"entities": [f"{one[0].name} needs ids of {entity.key or entity.name}."]})
    for key, ours in keys.items():
        if not ours:
            raise ValidationError({"entities": [f"No feature asked for is about {key[:100]!r}."]})


def _columns(wanted: Sequence[Wanted], ids: Sequence[Any]) -> dict[Wanted, dict[str, list[Any]]]:
    entity_ids = [str(item) for item in ids]
    served = online([f"{feature_set.label()}:{name}" for feature_set, name, _ in wanted], entity_ids)
    read = {
        (entity_id, found.asked.feature_set): (
            found.values(),
            found.statuses(),
            found.row.as_of if found.row else NEVER,
        )
        for entity_id, sets in served.items()
        for found in sets
    }
    columns = {}
    for feature_set, name, written in wanted:
        rows = [read[entity_id, feature_set] for entity_id in entity_ids]
        cells = [(values[name], statuses[name], as_of) for values, statuses, as_of in rows]
        columns[feature_set, name, written] = _column(cells)
    return columns


def _column(cells: Sequence[tuple[Any, str, datetime]]) -> dict[str, list[Any]]:
    values, statuses, times = zip(*cells, strict=True)
    return {"values": list(values), "statuses": list(statuses), "event_timestamps": list(times)}
