"""Arrays of CloudEvents in which nothing is unusual, checked as a whole: many times faster than one by one.

Whatever is not plain in one event, right or wrong, sends the array to `cloudevents.read_batch`, which tells them apart.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Annotated, Any, Literal

import msgspec
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from base.parsers import CloudEventBatchParser, CloudEventParser, StrictJSONParser
from features.definitions import event_types
from features.intake.checks import plain_values
from features.intake.cloudevents import CLOCK_SKEW, EARLIEST, LONGEST, MAX_EVENTS, Batch

Plain = str | bool | int | float | None


class PlainEvent(msgspec.Struct, forbid_unknown_fields=True):
    specversion: Literal["1.0"]
    id: Annotated[str, Meta(max_length=LONGEST["id"])]
    source: Annotated[str, Meta(max_length=LONGEST["source"])]
    type: str
    subject: Annotated[str, Meta(max_length=LONGEST["subject"])]
    time: Annotated[datetime, Meta(tz=True)]
    data: dict[str, Plain]
    datacontenttype: Literal["application/json"] | UnsetType = UNSET


SHORT_ZONE = re.compile(rb':[0-9]{2}(?:\.[0-9]+)?[+-][0-9]{4}"')  # such as +0100, which the decoder takes
_decode = msgspec.json.Decoder(list[PlainEvent]).decode


class _PlainFirst(StrictJSONParser):
    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """A Batch where all is plain, otherwise what the JSON says."""
        limit = parser_context["view"].max_body_bytes
        body = stream.read(limit + 1)
        batch = read_plain(body) if len(body) <= limit else None
        return batch or super().parse(io.BytesIO(body), media_type, parser_context)


class EventsJSONParser(_PlainFirst):
    """Events sent as plain JSON."""


class EventParser(_PlainFirst, CloudEventParser):
    pass


class EventBatchParser(_PlainFirst, CloudEventBatchParser):
    pass


def read_plain(body: bytes) -> Batch | None:
    """The events of a request, or None. As in `base.parsers`, keys are counted to find one that appears twice."""
    if not body.startswith(b"[") or b"\\" in body or SHORT_ZONE.search(body):
        return None
    try:
        events = _decode(body)
    except (ValueError, RecursionError):
        return None
    keys = 7 * len(events) + sum(len(e.data) + (e.datacontenttype is not UNSET) for e in events)
    if not 0 < len(events) <= MAX_EVENTS or body.translate(None, b" \t\r\n").count(b'":') != keys:
        return None
    latest = timezone.now() + CLOCK_SKEW
    if not all(
        EARLIEST <= e.time <= latest and e.id.strip() and e.source.strip() and e.subject.strip() for e in events
    ):
        return None
    if (rows := _rows(events)) is None:
        return None
    return Batch(rows=rows, places=range(len(rows)), names=[e.id for e in events])


def _rows(events: Sequence[PlainEvent]) -> list[dict[str, Any]] | None:
    """As `ingest.as_row` makes them."""
    datas: defaultdict[str, list[dict[str, Plain]]] = defaultdict(list)
    declared = event_types()
    for event in events:
        datas[event.type].append(event.data)
    values = {}
    for name, found in datas.items():
        if (declaration := declared.get(name)) is None or (numbers := plain_values(declaration, found)) is None:
            return None
        values[name] = declaration.entity.name, iter(numbers)
    rows = []
    for event, moment in zip(events, msgspec.to_builtins([event.time for event in events]), strict=True):
        entity_type, typed = values[event.type]
        rows.append({
            "source": event.source, "source_id": event.id, "entity_type": entity_type, "entity_id": event.subject,
            "event_type": event.type, "event_time": moment, "value": next(typed), "payload": event.data,
        })  # fmt: skip
    return rows
