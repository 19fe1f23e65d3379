"""Where a value comes from, on its page: the rows it saw, whether they give it again, and what came too late for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError

from base.links import may_view, row_link
from base.panels import BAD, GOOD, IDLE, WARN, Facts, Panel, Table, Text, badge, code, when
from features.definitions import FeatureSet, find_feature_set
from features.lineage.trace import Lineage, NothingStored, Seen, SourceRow, lineage
from features.models import FeatureHistory, RawEvent, StoredValue


def lineage_panels(user: Any, row: StoredValue) -> list[Panel]:
    """None for a definition that the code does not have any more."""
    feature_set = find_feature_set(row.feature_set.name, row.feature_set.version)
    if feature_set is None:
        return []
    served = row.computed_at if isinstance(row, FeatureHistory) else None
    try:
        found = lineage(feature_set, row.entity_id, as_of=row.as_of, known_at=served)
    except NothingStored:
        return []
    except OperationalError:
        return [Text(title="Source rows", text="There are more than can be read in time.", code=False, tone=WARN)]
    panels: list[Panel] = [source_facts(found)]
    if differing := json.loads(found.reproduction.differs):
        rows = [(code(name), one["stored"], one["recomputed"]) for name, one in sorted(differing.items())]
        panels.append(Table(title="What differs", headers=["Feature", "Stored", "Computed again"], rows=rows, tone=BAD))
    if found.feature_set.rows is not None or may_view(user, RawEvent):
        panels += row_tables(user, found)
    return panels


def source_facts(found: Lineage) -> Facts:
    seen = found.seen
    return Facts(
        title="Source rows",
        side=True,
        rows=[
            ("Seen", counted(seen, found.stored.source_rows)),
            ("Ids", f"{seen.first_id} – {seen.last_id}" if seen.count else ""),
            ("First", when(seen.first_event_time)),
            ("Last", when(seen.last_event_time)),
            ("Computed again", outcome(found)),
            ("Why not", found.reproduction.error),
            ("Came later", f"{found.late.count:,}" if found.late.count else ""),
            ("Corrected", when(found.corrected.computed_at) if found.corrected else ""),
            ("SHA-256", code(seen.sha256)),
        ],
    )


def counted(seen: Seen, source_rows: int) -> str:
    return f"{seen.count:,}" if seen.exact else badge(f"{seen.count:,} found, {source_rows:,} counted", WARN)


def outcome(found: Lineage) -> str:
    if found.reproduction.reproduces is None:
        return badge("cannot be computed", IDLE)
    return badge("the same", GOOD) if found.reproduction.reproduces else badge("differs", BAD)


def row_tables(user: Any, found: Lineage) -> list[Panel]:
    shown = [("The rows it saw", found.seen.rows, found.seen.count), ("Rows that came later", found.late.rows,
              found.late.count)]  # fmt: skip
    return [
        Table(
            title=title if len(rows) == count else f"{title}, the first {len(rows)} of {count:,}",
            headers=["Row", "What", "Happened", "Recorded", "Value"],
            rows=[told(user, found.feature_set, row) for row in rows],
        )
        for title, rows, count in shown
        if rows
    ]


def told(user: Any, feature_set: type[FeatureSet], row: SourceRow) -> Sequence[Any]:
    named = row_link(user, RawEvent, row.id) if feature_set.rows is None else row.id
    value = "" if row.value is None else f"{row.value.normalize():f}"
    return named, row.event_type, when(row.event_time), when(row.recorded_at), value
