"""CloudEvents 1.0 in JSON: structured, batched and binary. Strict: what the specification requires must be there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from features.definitions import InvalidEvent
from features.ingest import NewEvent

MAX_EVENTS = 5_000
EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.get_fixed_timezone(0))
CLOCK_SKEW = timedelta(minutes=5)
ATTRIBUTE_NAME = re.compile(r"^[a-z0-9]{1,40}$")
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$")


def events_of(body: Any, headers: Mapping[str, str]) -> list[NewEvent]:
    """The events of a request, of any of the three modes. Raises ValidationError with a pointer to each fault."""
    if "ce-specversion" in {name.lower() for name in headers}:
        attributes = {name.lower()[3:]: value for name, value in headers.items() if name.lower().startswith("ce-")}
        return [_event(attributes | {"data": body})]
    if isinstance(body, dict):
        return [_event(body)]
    if not isinstance(body, list):
        raise ValidationError("A CloudEvent or an array of CloudEvents is expected.")
    if len(body) > MAX_EVENTS:
        raise ValidationError(f"At most {MAX_EVENTS} events in one request.")
    events, faults = [], {}
    for index, item in enumerate(body):
        try:
            events.append(_event(item))
        except ValidationError as error:
            faults[str(index)] = error.detail
            if len(faults) == 20:
                break
    if faults:
        raise ValidationError(faults)
    return events


def _event(item: Any) -> NewEvent:
    if not isinstance(item, dict):
        raise ValidationError("A CloudEvent is a JSON object.")
    if item.get("specversion") != "1.0":
        raise ValidationError({"specversion": ["Must be 1.0."]})
    for name in item:
        if not ATTRIBUTE_NAME.match(name) and name != "data_base64":
            raise ValidationError({name[:50]: ["Attribute names are lower-case letters and digits."]})
    if "data_base64" in item:
        raise ValidationError({"data_base64": ["Only JSON data is taken."]})
    if "json" not in str(item.get("datacontenttype") or "application/json"):
        raise ValidationError({"datacontenttype": ["Only JSON data is taken."]})
    data = item.get("data") if item.get("data") is not None else {}
    if not isinstance(data, dict):
        raise ValidationError({"data": ["Must be a JSON object."]})
    event = NewEvent(
        source=_text(item, "source", 200),
        source_id=_text(item, "id", 200),
        event_type=_text(item, "type", 120),
        entity_id=_text(item, "subject", 100),
        event_time=_time(item.get("time")),
        data=data,
    )
    try:
        _ = event.value
    except InvalidEvent as error:
        pointer = {error.field: [f"{error.field} {error}."]}
        raise ValidationError(pointer if error.field == "type" else {"data": pointer}) from None
    return event


def _text(item: dict[str, Any], name: str, longest: int) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValidationError({name: ["A non-empty string is required."]})
    if len(value) > longest:
        raise ValidationError({name: [f"At most {longest} characters."]})
    return value


def _time(value: Any) -> datetime:
    """`time` with its zone, from 2000 on and at most five minutes ahead; without one, now."""
    now = timezone.now()
    if value is None:
        return now
    moment = None
    if isinstance(value, str) and RFC3339.match(value):
        try:
            moment = parse_datetime(value.upper())
        except ValueError:
            moment = None
    if moment is None:
        raise ValidationError({"time": ["Must be an RFC 3339 time with its zone."]})
    if not EARLIEST <= moment <= now + CLOCK_SKEW:
        raise ValidationError({"time": ["Must lie between the year 2000 and now."]})
    return moment
