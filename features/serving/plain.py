"""Questions as most clients send them, checked at once. All others are left to the serializer, which says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpRequest
from msgspec import UNSET, Meta, UnsetType
from rest_framework.exceptions import APIException

from base.parsers import parse_json
from features.serializers import MAX_ENTITIES, MAX_FEATURES, misfit

MAX_BYTES = 32_768
EntityId = Annotated[str, Meta(min_length=1, max_length=100)]
Reference = Annotated[str, Meta(min_length=1, max_length=200)]


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """What passes here passes InferenceRequestSerializer, unchanged."""

    feature_type: Reference | UnsetType = UNSET
    entity_id: EntityId | UnsetType = UNSET
    feature_set: EntityId | UnsetType = UNSET
    feature_version: Annotated[str, Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    features: Annotated[list[Reference], Meta(min_length=1, max_length=MAX_FEATURES)] | UnsetType = UNSET
    entity_ids: Annotated[list[EntityId], Meta(min_length=1, max_length=MAX_ENTITIES)] | UnsetType = UNSET
    max_age_s: Annotated[int, Meta(ge=0, le=10**9)] | UnsetType = UNSET
    if_older: Literal["recompute", "refuse"] | UnsetType = UNSET


def plain_question(request: HttpRequest) -> dict[str, Any] | None:
    """The body, if there can be no doubt about it."""
    if request.content_type != "application/json" or not 0 < _length(request.META) <= MAX_BYTES:
        return None
    try:
        question = parse_json(request.body)
        msgspec.convert(question, Question)
    except (APIException, msgspec.ValidationError):
        return None
    texts = [text for value in question.values() for text in (value if type(value) is list else [value])]
    trimmed = all(text == text.strip() for text in texts if type(text) is str)
    return question if trimmed and not misfit(question) else None


def _length(meta: Mapping[str, str]) -> int:
    given = meta.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() else 0
