"""`manifest.json` beside the files: all that an engine without this database needs to read them."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import Max

from features.offline.columns import PARTITIONED_BY, SCHEMA, SORTED_BY, VALUE64
from features.offline.lane import lane
from features.offline.models import Export, ExportedFile
from features.offline.storage import MANIFEST, storage
from tasks.errors import PermanentError

FORMAT = "millrace-events/2"  # 1 had no value64; such files are read as well
DATABASE = """
SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""


class TakenByAnother(PermanentError):
    """The files at EXPORT_URL belong to another database, such as the one this is a copy of."""


def write_manifest() -> dict[str, Any]:
    """Make the file say what the rows say; the lane keeps an older state from overtaking a newer one.

    Raises TakenByAnother.
    """
    with lane():
        check_owner()
        manifest = as_rows_say()
        text = json.dumps(manifest, indent=1) + "\n"
        if storage().read_text(MANIFEST) != text:
            storage().write_text(MANIFEST, text)
    return manifest


def as_rows_say() -> dict[str, Any]:
    """The manifest. `exported_through`: files hold each event up to this id once, and none after it."""
    found = [_described(row) for row in live_files()]
    last = Export.objects.first()
    before = Export.objects.aggregate(at=Max("recorded_before"))["at"]
    return {
        "format": FORMAT,
        "database": _database(),
        "exported_through": {
            "last_id": last.last_id if last else 0,
            "recorded_before": before.isoformat() if before else None,
        },
        "totals": {name: sum(file[name] for file in found) for name in ("rows", "bytes")} | {"files": len(found)},
        "partitioned_by": PARTITIONED_BY,
        "sorted_by": SORTED_BY,
        "schema": [{"name": field.name, "type": str(field.type), "null": field.nullable} for field in SCHEMA],
        "in_some_files": [VALUE64],
        "files": found,
    }


def check_owner() -> None:
    """Two databases must never share a place: each would sweep away the other's files. Raises TakenByAnother."""
    text = storage().read_text(MANIFEST)
    if text is not None and (owner := json.loads(text).get("database")) != _database():
        raise TakenByAnother(
            f"The files at EXPORT_URL are those of database {owner}, and this is {_database()}. Choose another place; "
            f"or, if that database is gone for good, remove {MANIFEST}."
        )


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        return cursor.fetchone()[0]


def live_files() -> Any:
    """The rows of the files that count, partition by partition."""
    return ExportedFile.objects.filter(replaced_at=None)


def _described(row: ExportedFile) -> dict[str, Any]:
    plain = ("path", "entity_type", "month", "rows", "bytes", "sha256", "first_id", "last_id")
    moments = ("min_event_time", "max_event_time", "min_recorded_at", "max_recorded_at")
    return {name: getattr(row, name) for name in plain} | {name: getattr(row, name).isoformat() for name in moments}
