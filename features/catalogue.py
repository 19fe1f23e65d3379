"""The catalogue of feature sets: which definitions have been in use, and that none was changed under its version."""

from __future__ import annotations

import inspect
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.services import log_audit_event
from features.definitions import FeatureSet, feature_sets, find_feature_set, versions_of
from features.models import FeatureSetVersion


class WrongState(Exception):
    """The version is not one that waits to be promoted, or to be withdrawn."""


class DefinitionChanged(Exception):
    """A feature set was edited without giving it a new version: stored values would lie about what they are."""


def sync() -> None:
    """Write a row for each new definition. Raises DefinitionChanged for an edited old one."""
    for feature_set in feature_sets():
        row, created = FeatureSetVersion.objects.get_or_create(
            name=feature_set.name,
            version=feature_set.version,
            defaults={
                "entity_type": feature_set.entity.name,
                "checksum": feature_set.checksum(),
                "definition": feature_set.definition(),
            },
        )
        _refuse_changed(feature_set, row)
        described = {
            "description": inspect.getdoc(feature_set) or "",
            "owner": feature_set.owner,
            "tags": list(feature_set.tags),
            "freshness_s": int(feature_set.freshness.total_seconds()),
            "ttl_s": None if feature_set.ttl is None else int(feature_set.ttl.total_seconds()),
        }
        if any(getattr(row, field) != value for field, value in described.items()):
            FeatureSetVersion.objects.filter(pk=row.pk).update(**described)
    forget_ids()


_ids: dict[type[FeatureSet], int] = {}


def set_id(feature_set: type[FeatureSet]) -> int:
    """The catalogue row of a definition, remembered by the process.

    Raises DefinitionChanged, or DoesNotExist before the first migration.
    """
    if feature_set not in _ids:
        row = FeatureSetVersion.objects.get(name=feature_set.name, version=feature_set.version)
        _refuse_changed(feature_set, row)
        _ids[feature_set] = row.pk
    return _ids[feature_set]


def forget_ids() -> None:
    """The database may be another one now."""
    _ids.clear()


def serving_set(name: str, version: str | None = None) -> type[FeatureSet] | None:
    """The version that was asked for; without one the newest that is live."""
    if version is not None:
        return find_feature_set(name, version)
    return next((feature_set for feature_set in versions_of(name) if is_live(feature_set)), None)


def is_live(feature_set: type[FeatureSet]) -> bool:
    """Declared so, or promoted: only versions declared with live=False need a look at the catalogue."""
    if feature_set.live:
        return True
    return FeatureSetVersion.objects.filter(pk=set_id(feature_set), promoted_at__isnull=False).exists()


@transaction.atomic
def promote_version(*, row: FeatureSetVersion, reason: str) -> None:
    """Serve a version that was declared with live=False to who names none. Raises WrongState."""
    _switch(row, reason, "feature_set_promoted", waits=True, promoted_at=timezone.now())


@transaction.atomic
def withdraw_version(*, row: FeatureSetVersion, reason: str) -> None:
    """Take a promotion back; who names the version still gets it. Raises WrongState."""
    _switch(row, reason, "feature_set_withdrawn", waits=False, promoted_at=None)


def _switch(row: FeatureSetVersion, reason: str, action: str, *, waits: bool, promoted_at: Any) -> None:
    declared = find_feature_set(row.name, row.version)
    if declared is None or declared.live:
        raise WrongState(f"{row} is not declared with live=False.")
    changed = FeatureSetVersion.objects.filter(pk=row.pk, promoted_at__isnull=waits).update(promoted_at=promoted_at)
    if not changed:
        raise WrongState(f"{row} is {'live already' if waits else 'not live'}.")
    log_audit_event(action, "feature_set", row.pk, {"set": str(row), "reason": reason})


def _refuse_changed(feature_set: type[FeatureSet], row: FeatureSetVersion) -> None:
    if row.checksum != feature_set.checksum():
        raise DefinitionChanged(
            f"The definition of {feature_set.label()} has changed since its values were stored. "
            "Undo the change, or declare it under a new version beside the old one."
        )


def sync_after_migrate(sender: Any, **kwargs: Any) -> None:
    sync()


def check_definitions(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """System check of processes that serve or compute: refuse to start on a changed definition."""
    if not databases:
        return []
    try:
        for row in FeatureSetVersion.objects.all():
            for feature_set in feature_sets():
                if (feature_set.name, feature_set.version) == (row.name, row.version):
                    _refuse_changed(feature_set, row)
    except DefinitionChanged as error:
        return [Error(str(error), id="features.E001")]
    except DatabaseError:
        return []  # not migrated yet, or away: readiness tells
    return []
