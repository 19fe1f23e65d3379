"""CloudEvents 1.0 in JSON: structured, batched and binary. Strict: what the specification requires must be there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from base.problems import field_errors
from features.definitions import InvalidEvent
from features.intake.ingest import Ingested, NewEvent, as_row

MAX_EVENTS = 10_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)
ATTRIBUTE_NAME = re.compile(r"^[a-z0-9]{1,40}$")
USUAL = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"}
ERASED = {"subject": ["This entity was erased; its events are not kept."]}
LONGEST = {"source": 200, "id": 200, "type": 120, "subject": 100}
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)


class AllRefused(ValidationError):
    """A batch without one event that can be stored."""

    status_code = 422


@dataclass(slots=True)
class Batch:
    """What a request holds: rows to store, where each stood, what was refused, by where it stood, and all ids."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    places: Sequence[int] = ()
    refused: dict[int, Any] = field(default_factory=dict)
    names: Sequence[Any] = ()

    def verdicts(self, done: Ingested, *, everything: bool) -> list[dict[str, Any]]:
        """One for each item that was known or rejected, or for each there is, in the order of the request.

        Events of erased entities are found while storing; they are among the refused from then on.
        """
        known = {self.places[number] for number in done.known}
        self.refused |= {self.places[number]: ERASED for number in done.erased}
        shown = range(len(self.names)) if everything else sorted(known | set(self.refused))
        return [self._verdict(index, index in known) for index in shown]

    def _verdict(self, index: int, known: bool) -> dict[str, Any]:
        name = self.names[index]
        found: dict[str, Any] = {"index": index, "id": name[:200] if isinstance(name, str) else None}
        if index in self.refused:
            errors = list(field_errors(self.refused[index], f"/{index}"))
            return found | {"verdict": "rejected", "errors": errors}
        return found | {"verdict": "known" if known else "added"}


def read_batch(body: Any, headers: Mapping[str, str]) -> Batch:
    """The events of a request, of any of the three modes; a Batch where the parser found nothing but plain ones.

    Raises ValidationError, with a pointer to each fault, for a single event that is refused, and AllRefused for a
    batch of which nothing is left.
    """
    if "ce-specversion" in {name.lower() for name in headers}:
        attributes = {name.lower()[3:]: value for name, value in headers.items() if name.lower().startswith("ce-")}
        body = attributes | {"data": body}
    if isinstance(body, Batch):
        return body
    if isinstance(body, dict):
        return Batch(rows=[_row(body, timezone.now())], places=[0], names=[body.get("id")])
    if not isinstance(body, list):
        raise ValidationError("A CloudEvent or an array of CloudEvents is expected.")
    if len(body) > MAX_EVENTS:
        raise ValidationError(f"At most {MAX_EVENTS} events in one request.")
    names = [item.get("id") if isinstance(item, dict) else None for item in body]
    batch, now, places = Batch(names=names), timezone.now(), []
    for index, item in enumerate(body):
        try:
            batch.rows.append(_row(item, now))
            places.append(index)
        except ValidationError as error:
            batch.refused[index] = error.detail
    batch.places = places
    if batch.refused and not batch.rows:
        raise AllRefused({str(index): detail for index, detail in batch.refused.items()})
    return batch


def _row(item: Any, now: datetime) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ValidationError("A CloudEvent is a JSON object.")
    if item.get("specversion") != "1.0":
        raise ValidationError({"specversion": ["Must be 1.0."]})
    if not item.keys() <= USUAL:
        _check_names(item)
    if "json" not in str(item.get("datacontenttype") or "application/json"):
        raise ValidationError({"datacontenttype": ["Only JSON data is taken."]})
    data = item.get("data")
    if data is None:
        data = {}
    elif not isinstance(data, dict):
        raise ValidationError({"data": ["Must be a JSON object."]})
    for name, longest in LONGEST.items():
        text = item.get(name)
        if not isinstance(text, str) or not text.strip():
            raise ValidationError({name: ["A non-empty string is required."]})
        if len(text) > longest:
            raise ValidationError({name: [f"At most {longest} characters."]})
    event = NewEvent(
        source=item["source"],
        source_id=item["id"],
        event_type=item["type"],
        entity_id=item["subject"],
        event_time=_time(item.get("time"), now),
        data=data,
    )
    try:
        return as_row(event)
    except InvalidEvent as error:
        pointer = {error.field: [f"{error.field} {error}."]}
        raise ValidationError(pointer if error.field == "type" else {"data": pointer}) from None


def _check_names(item: dict[str, Any]) -> None:
    for name in item:
        if not ATTRIBUTE_NAME.match(name) and name != "data_base64":
            raise ValidationError({name[:50]: ["Attribute names are lower-case letters and digits."]})
    if "data_base64" in item:
        raise ValidationError({"data_base64": ["Only JSON data is taken."]})


def _time(value: Any, now: datetime) -> datetime:
    """`time` with its zone, from 2000 on and at most five minutes ahead; without one, now."""
    if value is None:
        return now
    moment = None
    if isinstance(value, str) and RFC3339.match(value):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            moment = None
    if moment is None:
        raise ValidationError({"time": ["Must be an RFC 3339 time with its zone."]})
    if not EARLIEST <= moment <= now + CLOCK_SKEW:
        raise ValidationError({"time": ["Must lie between the year 2000 and five minutes from now."]})
    return moment
