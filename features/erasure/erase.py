"""Erase an entity: its events, marks, values and history go, and a tombstone keeps them from coming back.

Order of locks: the table of events first, so that writers of events wait until the tombstone can be seen (their
statement takes its snapshot after the lock); then the entity's row, which computations hold; then the marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pgtrigger
from django.apps import apps
from django.db import OperationalError, connection, models, transaction

from audit.services import log_audit_event
from features.erasure.tombstones import digest
from features.models import (
    ErasedEntity,
    FailedEntity,
    FeatureHistory,
    FeatureValue,
    KnownEntity,
    RawEvent,
    StaleEntity,
)
from features.training.holders import delete_datasets_of, naming
from features.values import counts
from tasks.models import Task
from tasks.services import forget_subject

LOCK_WAIT = "3s"  # how long writers of events may be held up by an erasure that waits for one of them


class Busy(Exception):
    """A transaction that writes events, or computes this entity, did not end in time; nothing was erased."""


@dataclass(frozen=True, slots=True)
class Erased:
    """rows: how many went, by table. name: what stands for the entity in the trail and in task rows from now on.

    tombstone: the row's id. waits: whether exported files still hold events of it.
    """

    rows: dict[str, int]
    name: str
    tombstone: int
    waits: bool


def erase_entity(*, entity_type: str, entity_id: str, reason: str, exported: bool = False) -> Erased:
    """Erase it in one transaction; a second time finds nothing more and does no harm. Raises Busy.

    exported: files of the offline store may hold its events; its id is kept with the tombstone until they do not.
    Live tasks about it are cancelled, ended ones lose its id. The audit trail is kept as it is, and gets an entry
    with the counts under the entity's hash.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
            cursor.execute("LOCK TABLE raw_events IN SHARE ROW EXCLUSIVE MODE")
            return _erase(cursor, entity_type, entity_id, reason, exported)
    except OperationalError as error:
        if "lock timeout" in str(error) or "deadlock" in str(error):
            raise Busy("Events are being written by a long transaction; try again in a moment.") from error
        raise


def _erase(cursor: Any, entity_type: str, entity_id: str, reason: str, exported: bool) -> Erased:
    of = {"entity_type": entity_type, "entity_id": entity_id}
    tombstone = _bury(entity_type, entity_id, exported)
    list(KnownEntity.objects.select_for_update().filter(**of))
    datasets = delete_datasets_of(**of)
    with pgtrigger.ignore("features.RawEvent:append_only"):
        rows = {"raw_events": _delete(RawEvent.objects.filter(**of)), "features_dataset": datasets}
    for model in (StaleEntity, FailedEntity, KnownEntity):
        rows[model._meta.db_table] = _delete(model._default_manager.filter(**of))
    values = FeatureValue.objects.filter(feature_set__entity_type=entity_type, entity_id=entity_id)
    sets = list(values.values_list("feature_set_id", flat=True))
    history = FeatureHistory.objects.filter(feature_set__entity_type=entity_type, entity_id=entity_id)
    rows |= {"model_features": _delete(values), "model_features_history": _delete(history)}
    counted = {f"events:{entity_type}": rows["raw_events"], f"entities:{entity_type}": rows["features_knownentity"]}
    for what, n in (counted | {f"values:{number}": 1 for number in sets}).items():
        if n:
            counts.add(what, -n)
    name = tombstone.name
    rows["tasks_task"] = forget_subject(subject=(entity_type, entity_id), name=name) + _forget_mentions(cursor, of)
    log_audit_event("entity_erased", entity_type, name, {"rows": rows, "reason": reason})
    return Erased(rows, name, tombstone.pk, tombstone.entity_id is not None)


def _bury(entity_type: str, entity_id: str, exported: bool) -> ErasedEntity:
    hashed = digest(entity_type, entity_id)
    row, _ = ErasedEntity.objects.get_or_create(entity_type=entity_type, digest=hashed)
    if exported:
        row.entity_id = entity_id
        row.save(update_fields=["entity_id"])
    return row


# Tasks about many entities, such as `features.store_served`, list their ids.
MENTIONED = "kwargs ->> 'entity_type' = %(entity_type)s AND kwargs -> 'entity_ids' ? %(entity_id)s"
FORGET = f"""
UPDATE tasks_task SET kwargs = jsonb_set(kwargs, '{{entity_ids}}', (kwargs -> 'entity_ids') - %(entity_id)s::text)
WHERE name = ANY(%(names)s) AND {MENTIONED}
"""  # noqa: S608 - constants of this module
COUNT = f"SELECT count(*) FROM tasks_task WHERE name = ANY(%(names)s) AND {MENTIONED}"  # noqa: S608 - the same
MENTIONING = ["features.store_served"]


def _forget_mentions(cursor: Any, of: dict[str, str]) -> int:
    cursor.execute(FORGET, of | {"names": MENTIONING})
    return cursor.rowcount


def _delete(rows: models.QuerySet[Any]) -> int:
    """By one statement; nothing hangs on these rows."""
    return rows.order_by()._raw_delete(rows.db)  # type: ignore[attr-defined]


def proof(entity_type: str, entity_id: str) -> dict[str, int]:
    """How many rows of each table still name the entity, asked of every table of the feature store and of the tasks.

    A tombstone counts while exported files may hold the entity. All zero: it is gone.
    """
    found = {}
    for model in apps.get_app_config("features").get_models():
        fields = {field.name for field in model._meta.get_fields()}
        if "entity_id" not in fields:
            continue
        by_set = "feature_set" in fields
        of = {"feature_set__entity_type" if by_set else "entity_type": entity_type, "entity_id": entity_id}
        found[model._meta.db_table] = model._default_manager.filter(**of).count()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"entity_type": entity_type, "entity_id": entity_id, "names": MENTIONING})
        [mentioned] = cursor.fetchone()
    subject = Task.objects.filter(subject_type=entity_type, subject_id=entity_id)
    found["tasks_task"] = subject.count() + mentioned
    found["features_dataset"] = len(naming(entity_type, entity_id))
    return found
