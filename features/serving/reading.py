"""What is stored and the database's time, by one statement, which may be an errand of the look at who asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from base import statements
from base.errand import Errand
from features.catalogue import set_id
from features.serving.asked import PICKED, Asked
from features.serving.ondemand import Key
from features.serving.stored import Served

# The left side holds the clock, so that there is a row even when nothing is stored. The ids come out of a subquery,
# which keeps the planner from planning anew for each number of them.
STORED = """
SELECT t.now, f.feature_set_id, f.entity_id, f.as_of, f.computed_at, f.source_rows, (CASE {vals} END)::text AS vals,
  f.task_id::text AS task_id
FROM (SELECT clock_timestamp() AS now) t
LEFT JOIN model_features f ON f.feature_set_id = ANY(ARRAY(SELECT unnest({set_ids}::smallint[])))
  AND f.entity_id = ANY(ARRAY(SELECT unnest({entity_ids}::text[])))
"""


def errand(asked: Sequence[Asked], entity_ids: list[str]) -> Errand:
    """The question as a statement."""
    numbers = [set_id(one.feature_set) for one in asked]

    def text(first: int) -> str:
        picked = {
            number: PICKED.format(names=f"${place}", vals="f.vals") for place, number in enumerate(numbers, first + 2)
        }
        cases = " ".join(f"WHEN f.feature_set_id = {number} THEN {vals}" for number, vals in picked.items())
        return STORED.format(vals=cases, set_ids=f"${first}", entity_ids=f"${first + 1}")

    return Errand(("stored", *numbers), text, [numbers, entity_ids, *(one.picks for one in asked)])


def read(
    asked: Sequence[Asked], entity_ids: list[str], done: Errand | None = None
) -> tuple[datetime, dict[Key, Served]]:
    """The database's time, and what is stored. done: the question's errand, if there was one."""
    rows: Any = done and done.rows
    if rows is None:
        question = errand(asked, entity_ids)
        with connection.cursor() as cursor:
            statements.execute(cursor, question.key, question.values, lambda: question.text(1))
            rows = cursor.fetchall()
    sets = {set_id(one.feature_set): one.feature_set for one in asked}
    return rows[0][0], {(sets[row[1]], row[2]): Served(*row[2:]) for row in rows if row[1] is not None}
