"""Statements that a connection keeps planned, where planning takes longer than running."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

KEPT = 128  # statements of one connection; the one prepared first makes room
_numbers = itertools.count(1)  # a name is never used twice, even when an attempt was broken off
_kept: WeakKeyDictionary[Any, dict[Hashable, str]] = WeakKeyDictionary()


def execute(
    cursor: Any, key: Hashable, values: Sequence[Any], text: Callable[[], str] | None = None, *, first: str = ""
) -> None:
    """Run a query whose parameters are written `$1::type`, planned once for each connection and `key`.

    text: makes the query when it is not planned yet; without it the key is the query. Queries come from code.
    first: a statement sent along before it. A planned query looks at its data before it waits for the locks of its
    tables; where that order matters, this one takes the lock.
    """
    kept = _kept.setdefault(cursor.connection, {})
    if (name := kept.get(key)) is None:
        query, name = text() if text else key, f"statement_{next(_numbers)}"
        if len(kept) >= KEPT:
            cursor.execute(f"DEALLOCATE {kept.pop(next(iter(kept)))}")
        cursor.execute(f"PREPARE {name} AS {query}")
        kept[key] = name
    places = ", ".join(["%s"] * len(values))
    cursor.execute(f"{first}EXECUTE {name} ({places})", values)
