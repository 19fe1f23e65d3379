"""Every feature there is, with its meaning, over HTTP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import Role
from features import serializers as s
from features.definitions import FeatureSet, feature_sets, used_by
from features.language.derived import Derived, operands
from features.models import FeatureSetVersion
from features.serving.stored import AmbiguousFeature, UnknownFeature, find_feature

READERS = {Role.SERVICE, Role.ANALYST, Role.OPERATOR}
FILTERS = {
    "entity_type": "the entity's key or name",
    "feature_set": "`set` or `set@version`",
    "tag": "one of the set's tags",
    "owner": "who answers for the set",
    "q": "part of the name or the description",
}
SMALL_WORDS = {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "per", "since", "the", "to", "with"}


class Discovery(APIView):
    """Every feature there is. Filters narrow it down; those that are given must all fit."""

    roles = READERS

    @extend_schema(
        tags=["features"],
        parameters=[OpenApiParameter(name, str, description=text) for name, text in FILTERS.items()],
        responses=s.FeatureSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", *FILTERS})
        rows = _catalogue()
        wanted = {name: request.query_params[name] for name in FILTERS if name in request.query_params}
        described = [
            _described(feature_set, name, rows)
            for feature_set in feature_sets()
            if _fits(feature_set, wanted)
            for name in feature_set.features
        ]
        text = wanted.get("q", "").casefold()
        return Response([one for one in described if text in _searched(one)])


class FeatureDetail(APIView):
    """One feature, by the name that asks for its value, with its definition."""

    roles = READERS

    @extend_schema(tags=["features"], responses=s.FeatureDetailSerializer)
    def get(self, request: Request, feature_type: str) -> Response:
        refuse_unknown(request, {"format"})
        try:
            feature_set, name = find_feature(feature_type)
        except AmbiguousFeature as error:
            raise ValidationError({"feature_type": [str(error)]}) from None
        except UnknownFeature as error:
            raise NotFound(str(error)) from None
        rows = _catalogue()
        row, definition = rows[feature_set.name, feature_set.version], feature_set.definition()
        more = {
            "feature_set_description": row.description,
            "source": definition["source"],
            "definition": definition["features"][name],
        }
        return Response(_described(feature_set, name, rows) | more)


Catalogue = dict[tuple[str, str], FeatureSetVersion]


def _catalogue() -> Catalogue:
    return {(row.name, row.version): row for row in FeatureSetVersion.objects.all()}


def _fits(feature_set: type[FeatureSet], wanted: dict[str, str]) -> bool:
    known = {
        "entity_type": {feature_set.entity.key, feature_set.entity.name},
        "feature_set": {feature_set.name, feature_set.label()},
        "tag": set(feature_set.tags),
        "owner": {feature_set.owner},
    }
    return all(wanted[name] in values for name, values in known.items() if name in wanted)


def _title(name: str) -> str:
    """`user_policy_time_of_purchase` is User Policy Time of Purchase."""
    words = name.split("_")
    return " ".join(word if word in SMALL_WORDS and number else word.capitalize() for number, word in enumerate(words))


def _searched(described: dict[str, Any]) -> str:
    return f"{described['feature_type']}\n{described['name']}\n{described['description']}".casefold()


def _described(feature_set: type[FeatureSet], name: str, rows: Catalogue) -> dict[str, Any]:
    row, feature = rows[feature_set.name, feature_set.version], feature_set.features[name]
    stands_on = list(operands(feature.expression)) if isinstance(feature, Derived) else []
    return {
        "feature_type": name,
        "name": _title(name),
        "description": feature.description,
        "entity_type": feature_set.entity.key or feature_set.entity.name,
        "data_type": feature.data_type,
        "created_at": row.created_at,
        "feature_set": feature_set.name,
        "version": feature_set.version,
        "kind": feature.kind,
        "unit": feature.unit,
        "window_s": None if feature.over is None else int(feature.over.total_seconds()),
        "expected_range": feature.expected,
        "derived_from": sorted({feature_set.name_of(operand) for operand in stands_on}),
        "owner": feature_set.owner,
        "tags": list(feature_set.tags),
        "freshness_s": row.freshness_s,
        "ttl_s": row.ttl_s,
        "checksum": row.checksum,
        "used_by": [use.name for use in used_by(feature_set)],
    }
