"""Keep the folder in order: what nobody needs is removed, and `manifest.json` says what counts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Now

from features.offline.lane import lane
from features.offline.manifest import check_owner, write_manifest
from features.offline.models import ExportedFile
from features.offline.storage import storage


@dataclass(frozen=True, slots=True)
class Swept:
    """Files removed: those whose grace time is over, and those of writers that died before they committed."""

    replaced: int
    orphans: int


def tidy() -> Swept:
    """Write the manifest, then remove what it no longer names."""
    write_manifest()
    return sweep()


def sweep() -> Swept:
    """Remove replaced files that are due, and orphans: in the lane, a file without a row can never get one.

    Raises TakenByAnother.
    """
    place = storage()
    with lane():
        check_owner()
        due = ExportedFile.objects.filter(remove_at__lte=Now())
        replaced = place.remove(due.values_list("path", flat=True))
        due.delete()
        orphans = place.remove(orphaned())
    return Swept(replaced, orphans)


def orphaned() -> list[str]:
    """Files that no row names. Only in the lane is that their last word."""
    return sorted(storage().listed() - set(ExportedFile.objects.values_list("path", flat=True)))
