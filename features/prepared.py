"""Statements that a connection keeps planned. Planning a compiled feature query takes longer than running it once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from psycopg2.extensions import AsIs

KEPT = 64  # statements of one connection; the one prepared first makes room
_numbers = itertools.count(1)  # a name is never used twice, even when an attempt was broken off
_kept: WeakKeyDictionary[Any, dict[Hashable, str]] = WeakKeyDictionary()


def execute(
    cursor: Any,
    key: Hashable,
    query: Callable[[], tuple[str, Mapping[str, Any]]],
    arguments: Mapping[str, tuple[str, Any]],
    expressions: Mapping[str, str] | None = None,
) -> None:
    """Execute what `query` gives, planned once for each connection and `key`.

    arguments: parameter name → (SQL type, value), which may differ each time. All other parameters become part of
    the statement. expressions: parameter name → SQL over the arguments, written {name}, in its place.
    """
    kept = _kept.setdefault(cursor.connection, {})
    if key not in kept:
        places = {name: f"${number}" for number, name in enumerate(arguments, 1)}
        text, constants = query()
        written = {name: AsIs(sql.format_map(places)) for name, sql in (expressions or {}).items()}
        parameters = {**constants, **{name: AsIs(place) for name, place in places.items()}, **written}
        types = ", ".join(sql_type for sql_type, _ in arguments.values())
        name = f"kept_{next(_numbers)}"
        if len(kept) >= KEPT:
            cursor.execute(f"DEALLOCATE {kept.pop(next(iter(kept)))}")
        cursor.execute(f"PREPARE {name} ({types}) AS {text}", parameters)
        kept[key] = name
    given = ", ".join(["%s"] * len(arguments))
    cursor.execute(f"EXECUTE {kept[key]} ({given})", [value for _, value in arguments.values()])
