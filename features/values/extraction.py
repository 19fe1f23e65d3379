"""Bring entities up to date in batches: one short transaction each, bounded, resumable, harmless beside itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from features.catalogue import set_id
from features.definitions import feature_sets
from features.values import backlog, coverage
from features.values.materialize import Refreshed, refresh

BESIDE = 50  # entities computed along with one that was asked for


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
    for step in _steps(as_of, everyone):
        after = ""
        while max_batches and (batch := step(entity_type, after=after, limit=batch_size)):
            yield refresh(
                entity_type, batch, task_id=task_id, as_of=as_of, skip_locked=True, before_commit=before_commit
            )
            after, max_batches = batch[-1], max_batches - 1


def extract_one(entity_type: str, entity_id: str, *, task_id: str, asked_at: datetime | None) -> Refreshed:
    """Refresh one entity, unless that was done since it was asked for, and some that wait beside it.

    Many cost little more than one, so in a rush most find their work done. Returns what was done for the one.
    """
    if asked_at and backlog.is_counted(entity_type, entity_id, _set_ids(entity_type), asked_at):
        return Refreshed(entities=1)
    done = refresh(entity_type, [entity_id], task_id=task_id)
    beside = coverage.marked_entities(entity_type, after=entity_id, limit=BESIDE)
    if beside and not done.failed:
        others = refresh(entity_type, beside, task_id=task_id, skip_locked=True)
        done.unrepaired += others.unrepaired
    return done


def _set_ids(entity_type: str) -> list[int]:
    return [set_id(feature_set) for feature_set in feature_sets(entity=entity_type)]


def _steps(as_of: datetime | None, everyone: bool) -> list[Callable[..., list[str]]]:
    """Ways through the entities, one after another: marks are found at once, what has none takes a longer look."""
    if everyone:
        return [coverage.known_entities]
    if as_of is not None:
        return [partial(coverage.waiting_entities, as_of=as_of)]
    return [coverage.marked_entities, coverage.waiting_entities]


def repair_histories(
    entity_type: str, *, task_id: str | None = None, before_commit: Callable[[], None] | None = None
) -> Iterator[Refreshed]:
    """Correct the history that did not fit in the transaction of its late events, part by part."""
    for entity_id in coverage.unrepaired_entities(entity_type):
        unrepaired = 1
        while unrepaired:
            done = refresh(entity_type, [entity_id], task_id=task_id, before_commit=before_commit)
            unrepaired = done.unrepaired
            yield done
