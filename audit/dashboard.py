"""The audit trail on the dashboard: what is not sealed yet, and the head of the chain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection

from audit.models import Entry
from base.links import list_url, may_view
from base.panels import BAD, GOOD, Number, Panel, lasting

# Only among the newest ids, so that the cost does not grow with the trail; `verify_audit` looks at all.
STATE = """
SELECT (SELECT max(sequence) FROM audit_seal),
       (SELECT left(hash, 12) FROM audit_seal ORDER BY sequence DESC LIMIT 1), count(*), now() - min(e.at)
FROM audit_entry e
WHERE e.id > (SELECT coalesce(max(id), 0) - 20000 FROM audit_entry)
  AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.entry_id = e.id)
"""
SEALING_PROMISE = timedelta(minutes=5)


def cards(user: Any) -> list[Panel]:
    if not may_view(user, Entry):
        return []
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        sealed, head, unsealed, oldest = cursor.fetchone()
    late = oldest is not None and oldest > SEALING_PROMISE
    waits = f"{unsealed:,} wait for a seal" + (f" since {lasting(oldest)}" if late else "")
    return [
        Number(
            title="Audit entries sealed",
            value=f"{sealed or 0:,}",
            note=f"head {head or 'none'}; {waits}",
            tone=BAD if late else GOOD,
            href=list_url(Entry),
        )
    ]
