"""Statements that a connection keeps planned, where planning takes longer than running."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

_numbers = itertools.count(1)  # a name is never used twice, even when an attempt was broken off
_names: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def execute(cursor: Any, query: str, values: Sequence[Any]) -> None:
    """Run a query whose parameters are written `$1::type`. Queries come from code, a handful of them."""
    names = _names.setdefault(cursor.connection, {})
    if (name := names.get(query)) is None:
        name = f"statement_{next(_numbers)}"
        cursor.execute(f"PREPARE {name} AS {query}")
        names[query] = name
    places = ", ".join(["%s"] * len(values))
    cursor.execute(f"EXECUTE {name} ({places})", values)
