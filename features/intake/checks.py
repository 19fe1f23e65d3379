"""Hold an event's data against its declaration, fast: what each key takes is worked out once for each declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from features.definitions import Event, declared_fields

# A number every check of `to_decimal` would let pass, already as PostgreSQL reads it.
PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?").fullmatch
Fields = tuple[tuple[str, bool, tuple[type, ...] | None], ...]


def checked_value(declaration: type[Event], data: Mapping[str, Any]) -> str | None:
    """The event's typed number as text, or None. Raises InvalidEvent for data that does not fit."""
    fields = _fields.get(declaration)
    if fields is None:
        fields = _fields[declaration] = _learn(declaration)
    for name, optional, accepted in fields:
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


_fields: dict[type[Event], Fields] = {}


def _learn(declaration: type[Event]) -> Fields:
    """For each key: its name, whether it may be left out, and the types it takes; None stands for decimals."""
    learned = []
    for name, accepted in declared_fields(declaration).items():
        decimal = Decimal in accepted
        if name == declaration.value and not decimal:
            accepted = ()  # a number of another kind becomes text the long way
        learned.append((name, hasattr(declaration, name), None if decimal else accepted))
    return tuple(learned)
