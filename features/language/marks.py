"""Triggers by which the rows of a model tell that what is known about an entity is out of date.

A model that is a source of features (`Rows`) declares them, so that every write marks its entities in its own
transaction, whoever writes: a service, the console, COPY or plain SQL.

    class Meta:
        triggers = [marks_stale("user", "SELECT p.user_id, c.attempted_at FROM changed c JOIN …")]
"""

from __future__ import annotations

import pgtrigger

MARK = """
PERFORM features_mark('{entity_type}', array_agg(happened.entity_id::text), array_agg(happened.event_time))
FROM ({happened}) AS happened(entity_id, event_time)
WHERE happened.entity_id IS NOT NULL AND happened.event_time IS NOT NULL;
RETURN NULL;
"""


def marks_stale(entity_type: str, happened: str, *, on: pgtrigger.Operation = pgtrigger.Insert) -> pgtrigger.Trigger:
    """The trigger of one operation, Insert or Update, for the model's Meta.

    happened: a query over `changed`, the rows of one statement as they are now, that gives the entity's id and the
    time of what happened.
    """
    return pgtrigger.Trigger(
        name=f"stale_{entity_type}_{str(on).lower()}",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=on,
        referencing=pgtrigger.Referencing(new="changed"),
        func=MARK.format(entity_type=entity_type, happened=happened),
    )
