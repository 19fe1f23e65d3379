"""What a dataset is asked to be, in the one form that its hash, its bytes and its manifest depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from features.definitions import FeatureSet, declared_fields, event_types, find_feature_set
from features.serving.stored import UnknownFeature
from features.training.asked import Wanted, entity_of, labels, wanted

AT_EVENT_TIME = "at_event_time"
MAX_ROWS = 100_000
Rows = Sequence[tuple[str, datetime]]


class Unaskable(ValueError):
    """A request that no dataset can answer. `field` is the offending key."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Label:
    """Events of one type give the rows: the entity, the time, and what is to be predicted.

    field: `value`, or a key of the event's payload as text. since, until: of the event time, both inclusive.
    """

    event_type: str
    field: str = "value"
    since: datetime | None = None
    until: datetime | None = None


def canonical(
    *,
    features: Sequence[str],
    rows: Rows | None = None,
    label: Label | None = None,
    known_at: datetime | str | None = None,
    format: str,
) -> dict[str, Any]:
    """The request with every version and time written out. Raises Unaskable.

    known_at: leave out what was recorded later: a time (now, unless one is given), or `at_event_time`, each row's own.
    """
    try:
        asked = wanted(features)
    except UnknownFeature as error:
        raise Unaskable("features", str(error)) from None
    now = _now()
    if isinstance(known_at, datetime) and known_at > now:
        raise Unaskable("known_at", "What will be known then is not known yet.")
    moment = known_at if isinstance(known_at, datetime) else now
    if (rows is None) == (label is None):
        raise Unaskable("entity_rows", "Send either entity_rows or label.")
    if label is None:
        spine: dict[str, Any] = {"rows": [[entity_id, text(time)] for entity_id, time in rows or ()]}
    else:
        _check(label, asked)
        spine = {"label": {key: text(v) if isinstance(v, datetime) else v for key, v in asdict(label).items()}}
    return {
        "features": labels(asked),
        "known_at": AT_EVENT_TIME if known_at == AT_EVENT_TIME else text(moment),
        "recorded_by": text(moment),
        "format": format,
        "spine": spine,
    }


def _check(label: Label, asked: Wanted) -> None:
    event = event_types().get(label.event_type)
    if event is None:
        raise Unaskable("label", f"No event is called {label.event_type[:80]!r}.")
    if event.entity.name != entity_of(asked):
        raise Unaskable("label", f"{label.event_type} is about {event.entity.name}, not {entity_of(asked)}.")
    if label.field not in declared_fields(event) and not (label.field == "value" and event.value):
        raise Unaskable("label", f"{label.event_type} has no field {label.field[:80]!r}.")


def _now() -> datetime:
    """By the clock that dates events."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def time(written: str) -> datetime:
    return datetime.fromisoformat(written)


def sha256(value: Any) -> str:
    """Of canonical JSON, hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def features_of(request: dict[str, Any]) -> dict[type[FeatureSet], list[str]]:
    """The declared features a request names by their full names. Raises UnknownFeature for what is gone."""
    found: dict[type[FeatureSet], list[str]] = {}
    for label in request["features"]:
        set_label, _, name = label.rpartition(":")
        set_name, _, version = set_label.partition("@")
        feature_set = find_feature_set(set_name, version)
        if feature_set is None or name not in feature_set.features:
            raise UnknownFeature(f"No feature is called {label!r} any more.")
        found.setdefault(feature_set, []).append(name)
    return found
