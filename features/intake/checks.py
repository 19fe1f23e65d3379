"""Hold an event's data against its declaration, fast: what each key takes is worked out once for each declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from features.definitions import Event, declared_fields

# A number every check of `to_decimal` would let pass, already as PostgreSQL reads it.
PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?").fullmatch
PLAINS = re.compile(r"(?:-?[0-9]{1,15}(?:\.[0-9]{1,18})? )*").fullmatch
Fields = tuple[tuple[str, bool, tuple[type, ...] | None], ...]


def checked_value(declaration: type[Event], data: Mapping[str, Any]) -> str | None:
    """The event's typed number as text, or None. Raises InvalidEvent for data that does not fit."""
    for name, optional, accepted in _fields_of(declaration):
        item = data.get(name)
        if item is None:
            if optional:
                continue
        elif accepted is None:
            if type(item) is str and PLAIN(item):
                continue
        elif type(item) in accepted:
            continue
        value = declaration.check(data)  # says what is wrong, or takes what is unusual
        return None if value is None else format(value, "f")
    return data.get(declaration.value) if declaration.value else None


def plain_values(declaration: type[Event], datas: Sequence[Mapping[str, Any]]) -> list[str | None] | None:
    """What `checked_value` says of each, found key by key; None when one of them needs its closer look."""
    for name, optional, accepted in _fields_of(declaration):
        items = [data.get(name) for data in datas]
        kinds = set(map(type, items))
        if optional and type(None) in kinds:
            items = [item for item in items if item is not None]
            kinds.remove(type(None))
        if not kinds <= ({str} if accepted is None else set(accepted)):
            return None
        if accepted is None and items:
            text = " ".join(map(str, items)) + " "
            if text.count(" ") != len(items) or not PLAINS(text):
                return None
    return [data.get(declaration.value) for data in datas] if declaration.value else [None] * len(datas)


_fields: dict[type[Event], Fields] = {}


def _fields_of(declaration: type[Event]) -> Fields:
    fields = _fields.get(declaration)
    if fields is None:
        fields = _fields[declaration] = _learn(declaration)
    return fields


def _learn(declaration: type[Event]) -> Fields:
    """For each key: its name, whether it may be left out, and the types it takes; None stands for decimals."""
    learned = []
    for name, accepted in declared_fields(declaration).items():
        decimal = Decimal in accepted
        if name == declaration.value and not decimal:
            accepted = ()  # a number of another kind becomes text the long way
        learned.append((name, hasattr(declaration, name), None if decimal else accepted))
    return tuple(learned)
