"""One field of every event, as numbers that sort and compare like its values.

Numbers are whole multiples of 10^-scale: 12.50 is 1250 at scale 2, exact however they are added. Those beyond 63 bits
stand in a table of Python's own integers, and the keys are places in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa

from features.offline.decimals import Inexact, narrowed

Array = Any  # of numpy
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WIDE = Context(prec=80)
TRUE, FALSE = {"t", "true", "y", "yes", "on", "1"}, {"f", "false", "n", "no", "off", "0"}


class UnusableField(ValueError):
    """An event holds something that is not a value of the type its feature asks for."""


@dataclass(frozen=True, slots=True)
class Field:
    """keys: int64, one for each event, in the order of the values. present: where there is a value; None: everywhere.

    table: what a key stands for; None: itself. scale: of numbers.
    """

    keys: Array
    present: Array | None = None
    table: Array | None = None
    scale: int = 0

    def take(self, places: Array) -> Field:
        present = None if self.present is None else self.present[places]
        return Field(self.keys[places], present, self.table, self.scale)

    def meant(self, keys: Array) -> Array:
        """What keys stand for."""
        return keys if self.table is None else self.table[keys]


def moment(value: datetime) -> int:
    """Microseconds since 1970."""
    return (value - EPOCH) // MICROSECOND


def moment_of(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(microseconds))


def numbers(column: pa.ChunkedArray) -> Field:
    """Decimals of 64 bits, or with 18 decimals and of any size."""
    present = None if column.null_count == 0 else joined(column.is_valid())
    filled = column if present is None else column.fill_null(0)
    if not pa.types.is_decimal64(column.type):
        try:
            filled = pa.chunked_array([narrowed(filled)])
        except Inexact:
            halves = words(filled)
            low, high = halves[0::2].view(np.uint64), halves[1::2]
            return tabled(high.astype(object) * 2**64 + low.astype(object), present, 18)
    return Field(words(filled), present, None, filled.type.scale)


def tabled(whole: Array, present: Array | None, scale: int) -> Field:
    """Whole numbers of any size: keys are places among the different ones in their order."""
    table = np.array(sorted(set(whole.tolist())), object)
    place = {value: number for number, value in enumerate(table.tolist())}
    return Field(np.fromiter((place[value] for value in whole.tolist()), np.int64, len(whole)), present, table, scale)


def words(column: pa.ChunkedArray) -> Array:
    """The 64-bit words behind a column of fixed width, as numpy's int64."""
    parts = []
    for chunk in column.chunks:
        wide = chunk.type.bit_width // 64
        found = np.frombuffer(chunk.buffers()[1], np.int64)
        parts.append(found[chunk.offset * wide : (chunk.offset + len(chunk)) * wide])
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0, np.int64)


def joined(column: pa.ChunkedArray) -> Array:
    return column.to_numpy() if len(column) else np.zeros(0, bool)


def coded(column: pa.ChunkedArray) -> tuple[Array, pa.Array]:
    """A column of texts as the places in a list of the different ones."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if not column.num_chunks:
        return np.zeros(0, np.int32), pa.array([], pa.string())
    if len({_place(chunk.dictionary) for chunk in column.chunks}) > 1:
        column = column.unify_dictionaries()
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return codes[0] if len(codes) == 1 else np.concatenate(codes), column.chunk(0).dictionary


def _place(names: pa.Array) -> tuple[int, int, int]:
    """Where in memory a list is: chunks that were unified share theirs."""
    data = names.buffers()[-1]
    return data.address if data else 0, names.offset, len(names)


def texts(codes: Array, names: Any) -> Field:
    """Texts given as codes; keys in the order of their bytes, as PostgreSQL's "C" has it. A name of None is null."""
    names = names.to_pylist() if isinstance(names, pa.Array) else names
    order = sorted((name for name in set(names) if name is not None), key=lambda name: name.encode())
    place = {name: number for number, name in enumerate(order)}
    keys = np.array([place.get(name, 0) if name is not None else 0 for name in names], np.int64)[codes]
    missing = np.array([name is None for name in names], bool)
    present = ~missing[codes] if missing.any() else None
    return Field(keys, present, np.array(order, object) if order else np.array([""], object))


def from_payload(raw: Sequence[str | None], data_type: str, field: str) -> Field:
    """A key of the payload, of each event as text or None. Raises UnusableField."""
    different = list(dict.fromkeys(raw))
    place = {text: number for number, text in enumerate(different)}
    codes = np.fromiter((place[text] for text in raw), np.int64, len(raw))
    if data_type == "string":
        return texts(codes, different)
    present = np.array([text is not None for text in different], bool)
    read: Callable[[str], Any] = READERS.get(data_type, _number)
    try:
        values = [None if text is None else read(text) for text in different]
    except (ValueError, InvalidOperation) as error:
        raise UnusableField(f"{field!r} of an event is not a {data_type}: {error}") from None
    if data_type in READERS:
        made = Field(np.array([0 if value is None else value for value in values], np.int64))
    else:
        made = _scaled([Decimal(0) if value is None else value for value in values])
    return Field(made.keys[codes], None if present.all() else present[codes], made.table, made.scale)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return number


def _flag(text: str) -> int:
    if (word := text.strip().lower()) not in TRUE | FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return int(word in TRUE)


def _time(text: str) -> int:
    found = datetime.fromisoformat(text)
    return moment(found if found.tzinfo else found.replace(tzinfo=UTC))


READERS: dict[str, Callable[[str], Any]] = {"boolean": _flag, "datetime": _time}


def _scaled(values: Sequence[Decimal]) -> Field:
    scale = max([0, *(-int(value.as_tuple().exponent) for value in values)])
    whole = [int(value.scaleb(scale, WIDE)) for value in values]
    if all(-(2**62) < number < 2**62 for number in whole):
        return Field(np.array(whole, np.int64), None, None, scale)
    return tabled(np.array(whole, object), None, scale)


def payload_texts(payloads: Sequence[str | None], field: str) -> list[str | None]:
    """What PostgreSQL's ->> gives for a key of each payload; None where there is none."""
    return [None if payload is None else _text(_digits(payload).get(field)) for payload in payloads]


_digits: Callable[[str], Any] = json.JSONDecoder(
    parse_float=lambda text: Digits(text), parse_int=lambda text: Digits(text)
).decode


class Digits(str):
    """A number as it is written in JSON."""


def _text(value: Any) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _written(value)


def _written(value: Any) -> str:
    """An object or array as jsonb writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value) if isinstance(value, Digits) else json.dumps(value, ensure_ascii=False)
