"""Bring entities up to date in batches: one short transaction each, bounded, resumable, harmless beside itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from features import coverage
from features.definitions import feature_sets
from features.materialize import Refreshed, refresh


def entity_types() -> list[str]:
    """The entity types that some feature set is about."""
    return sorted({feature_set.entity.name for feature_set in feature_sets()})


def extract(
    entity_type: str,
    *,
    batch_size: int,
    max_batches: int,
    task_id: str | None = None,
    as_of: datetime | None = None,
    everyone: bool = False,
    before_commit: Callable[[], None] | None = None,
) -> Iterator[Refreshed]:
    """Refresh waiting entities batch by batch and yield what each batch did.

    It goes through the ids in order and leaves out entities another run is computing, so several runs share the
    work. A run that was stopped is continued by starting another: done entities no longer wait.
    everyone: also those that are up to date.
    """
    after = ""
    for _ in range(max_batches):
        if everyone:
            batch = coverage.known_entities(entity_type, after=after, limit=batch_size)
        else:
            batch = coverage.waiting_entities(entity_type, after=after, limit=batch_size, as_of=as_of)
        if not batch:
            return
        yield refresh(entity_type, batch, task_id=task_id, as_of=as_of, skip_locked=True, before_commit=before_commit)
        after = batch[-1]
