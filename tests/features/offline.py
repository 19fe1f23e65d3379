"""What tests of the offline store look at."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from django.conf import settings

from features.models import RawEvent
from features.offline.export import Exported, export_events
from features.offline.models import ExportedFile
from features.offline.verification import verify


def export(**options) -> list[Exported]:
    return list(export_events(**options))


def live() -> list[ExportedFile]:
    return list(ExportedFile.objects.filter(replaced_at=None))


def ids_in_files() -> list[int]:
    """Every id of every file that counts, doubles too."""
    return sorted(
        number
        for row in live()
        for number in pq.read_table(folder() / row.path, columns=["id"], partitioning=None).column("id").to_pylist()
    )


def ids_in_database() -> list[int]:
    return sorted(RawEvent.objects.values_list("id", flat=True))


def folder() -> Path:
    return Path(settings.EXPORT_URL)


def parquet_files() -> set[str]:
    return {str(path.relative_to(folder())) for path in folder().rglob("*.parquet")}


def assert_exact() -> None:
    """The files hold each event of the database once, and nothing else; and `verify` thinks so too."""
    assert ids_in_files() == ids_in_database()
    assert verify().problems == []
