"""The metadata of a SigMF recording: read from bytes, held against SigMF's own schema and against our bounds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rest_framework.exceptions import APIException

from base.parsers import parse_json
from recordings.datatypes import UnknownDatatype, datatype_of

MAX_BYTES = 4 << 20
MAX_ITEMS = 200_000  # of JSON
MAX_CAPTURES = 2_000
MAX_ANNOTATIONS = 10_000
MAX_CHANNELS = 1_024
LARGEST = (1 << 63) - 1
SHOWN = 200  # characters of what somebody else wrote
WHOLE = {
    "global": ("core:num_channels", "core:offset", "core:trailing_bytes"),
    "captures": ("core:sample_start", "core:header_bytes", "core:global_index"),
    "annotations": ("core:sample_start", "core:sample_count"),
}


class BadMetadata(ValueError):
    """No metadata of SigMF, or more than we take; the message says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """document: as it came, unknown extensions included. notes: what is odd in it and was accepted, in sentences."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()

    def told(self, name: str) -> Any:
        """A field of the global part, without its `core:`; None where it is not said."""
        return self.document["global"].get(f"core:{name}")

    @property
    def datatype(self) -> str:
        return self.told("datatype")

    @property
    def sample_rate(self) -> float | None:
        """Hz."""
        rate = self.told("sample_rate")
        return None if rate is None else float(rate)

    @property
    def num_channels(self) -> int:
        return self.told("num_channels") or 1

    @property
    def sha512(self) -> str | None:
        """Of the data, in small letters."""
        digest = self.told("sha512")
        return digest and digest.lower()

    @property
    def frequency(self) -> float | None:
        """The centre frequency of the first capture that says one, Hz."""
        return next((float(one) for one in _of_captures(self.document, "core:frequency")), None)

    @property
    def captured_at(self) -> datetime | None:
        """When the first capture that says so began; UTC where it names no zone."""
        return next((_moment(one) for one in _of_captures(self.document, "core:datetime")), None)


def read_metadata(data: bytes) -> Metadata:
    """Raises BadMetadata."""
    if len(data) > MAX_BYTES:
        raise BadMetadata(f"Metadata may have at most {MAX_BYTES >> 20} MiB.")
    try:
        document = parse_json(data, max_items=MAX_ITEMS)
    except APIException as error:
        raise BadMetadata(f"The metadata cannot be read. {error.detail}") from None
    return check_metadata(document)


def check_metadata(document: Any) -> Metadata:
    """Raises BadMetadata. Whole numbers that came as 1.0 become integers in `document`."""
    _refuse_too_many(document)
    _refuse_large(document)
    error = next(_schema().iter_errors(document), None)
    if error is not None:
        raise BadMetadata(f"{_place(error.absolute_path)} does not fit SigMF: {_reason(error)}")
    for part, names in WHOLE.items():
        entries = [document[part]] if part == "global" else document[part]
        for entry in entries:
            entry.update({name: int(entry[name]) for name in names if name in entry})
    told = document["global"]
    try:
        datatype_of(told["core:datatype"])
    except UnknownDatatype as unknown:
        raise BadMetadata(str(unknown)) from None
    if not told["core:version"].startswith(("0.", "1.")):
        raise BadMetadata(f"core:version is {told['core:version'][:20]!r}; versions 0 and 1 of SigMF are known.")
    if told.get("core:num_channels", 1) > MAX_CHANNELS:
        raise BadMetadata(f"There may be at most {MAX_CHANNELS} channels.")
    if len(told.get("core:sha512", "0" * 128)) != 128:
        raise BadMetadata("core:sha512 must be 128 hexadecimal digits.")
    for part in ("captures", "annotations"):
        starts = [entry["core:sample_start"] for entry in document[part]]
        if starts != sorted(starts):
            raise BadMetadata(f"The {part} must be in the order of core:sample_start.")
    return Metadata(document, tuple(_notes(document)))


def _refuse_too_many(document: Any) -> None:
    """Before the schema, which takes its time for each."""
    parts = document if isinstance(document, dict) else {}
    for part, most in (("captures", MAX_CAPTURES), ("annotations", MAX_ANNOTATIONS)):
        if isinstance(parts.get(part), list) and len(parts[part]) > most:
            raise BadMetadata(f"There may be at most {most:,} {part}.")


def _refuse_large(document: Any) -> None:
    """Numbers of any length are JSON, but not everybody who reads what we store can read them."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int | float) and abs(value) > LARGEST:
            raise BadMetadata("A number in the metadata is beyond 64 bits.")


@cache
def _schema() -> Any:
    """Loaded when first needed: most processes never are asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jsonschema import Draft202012Validator
        from sigmf.schema import get_schema

    return Draft202012Validator(get_schema())


def _place(path: Iterable[Any]) -> str:
    """Such as `captures[2].core:frequency`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:SHOWN] or "The metadata"


def _reason(error: Any) -> str:
    """The schema's own words, unless they repeat a value of any length."""
    if len(error.message) <= SHOWN:
        return f"{error.message}."
    return f"it must satisfy {error.validator}: {str(error.validator_value)[:SHOWN]}."


def _of_captures(document: dict[str, Any], name: str) -> list[Any]:
    return [capture[name] for capture in document["captures"] if name in capture]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _notes(document: dict[str, Any]) -> Iterable[str]:
    if len(set(_of_captures(document, "core:frequency"))) > 1:
        yield "The captures have different centre frequencies; the first is shown."
    if any(_moment(text) is None for text in _of_captures(document, "core:datetime")[:1]):
        yield "core:datetime of the first capture is no time that can be read."
    for extension in document["global"].get("core:extensions", [])[:20]:
        if not extension["optional"]:
            name = extension["name"][:40]
            yield f"The extension {name} is said to be needed; it is kept, and what it adds is not looked at."
