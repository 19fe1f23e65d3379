"""Compute what is asked, now, without storing it: one statement for sets of one source, planned once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, connection, transaction

from features.definitions import FeatureSet
from features.engine import prepared
from features.engine.compute import CannotCompute, Query, compiled, computation
from features.serving.asked import PICKED, Asked
from features.serving.stored import Served

Key = tuple[type[FeatureSet], str]
COMPUTED = """
SELECT q.entity_id, q.as_of, clock_timestamp(), q.source_rows,
  EXISTS (SELECT FROM features_knownentity k WHERE k.entity_type = %(entity)s AND k.entity_id = q.entity_id), {vals}
FROM ({query} OFFSET 0) q
"""


@dataclass(slots=True)
class Computed:
    """What was computed for one question, and why some could not be: an entity fails by itself.

    An entity is known when it has source rows or is registered as having some; only those may be stored.
    """

    rows: dict[Key, Served] = field(default_factory=dict)
    failed: dict[Key, str] = field(default_factory=dict)
    storable: set[str] = field(default_factory=set)

    def compute(self, asked: Sequence[Asked], entity_ids: list[str]) -> None:
        """Compute sets of one source. What fails is halved until the entity, and then the set, stands alone."""
        try:
            with _savepoint():
                self._run(asked, entity_ids)
        except (DataError, CannotCompute) as error:
            if len(entity_ids) > 1:
                middle = len(entity_ids) // 2
                self.compute(asked, entity_ids[:middle])
                self.compute(asked, entity_ids[middle:])
            elif len(asked) > 1:
                for one in asked:
                    self.compute([one], entity_ids)
            else:
                self.failed[asked[0].feature_set, entity_ids[0]] = str(error).splitlines()[0]

    def _run(self, asked: Sequence[Asked], entity_ids: list[str]) -> None:
        with connection.cursor() as cursor:
            _execute(cursor, asked, entity_ids)
            for entity_id, as_of, computed_at, source_rows, registered, *texts in cursor.fetchall():
                if registered:
                    self.storable.add(entity_id)
                if registered or source_rows:
                    for one, vals in zip(asked, texts, strict=True):
                        self.rows[one.feature_set, entity_id] = Served(entity_id, as_of, computed_at, source_rows, vals)


def _execute(cursor: Any, asked: Sequence[Asked], entity_ids: list[str]) -> None:
    """Compute as of the database's present time."""
    sets = tuple(one.feature_set for one in asked)
    names = {f"names_{number}": one.picks for number, one in enumerate(asked)}
    if sets[0].functions():
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()
        query, parameters = _statement(sets, computation(sets, entity_ids, [now] * len(entity_ids)))
        cursor.execute(query, parameters | names)
        return
    prepared.execute(
        cursor,
        ("computed", sets),
        lambda: _statement(sets, compiled(sets)),
        {"entity_ids": ("text[]", entity_ids)} | {name: ("text[]", picks) for name, picks in names.items()},
        {"times": "array_fill(clock_timestamp(), ARRAY[cardinality({entity_ids})])", "known_at": "NULL"},
    )


def _statement(sets: Sequence[type[FeatureSet]], query: Query) -> Query:
    """The query with the values that are picked from each set."""
    sql, parameters = query
    vals = ", ".join(
        f"({PICKED.format(names=f'%(names_{n})s', vals=f'q.vals_{n}' if n else 'q.vals')})::text"
        for n in range(len(sets))
    )
    return COMPUTED.format(query=sql, vals=vals), parameters | {"entity": sets[0].entity.name}


def _savepoint() -> AbstractContextManager[Any]:
    """A failed statement must not spoil the caller's transaction; without one there is nothing to spoil."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
