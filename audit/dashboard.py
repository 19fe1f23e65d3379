"""The audit trail on the dashboard: what is not sealed yet, and the head of the chain."""

from __future__ import annotations

from typing import Any

from django.db import connection

from audit.models import Entry
from audit.verification import SEALING_PROMISE
from base.links import list_url, may_view
from base.panels import BAD, GOOD, Number, Panel, lasting

HEAD = "SELECT sequence, left(hash, 12) FROM audit_seal ORDER BY sequence DESC LIMIT 1"
# Only among the newest ids, so that the cost does not grow with the trail; `verify_audit` looks at all.
UNSEALED = """
SELECT count(*), now() - min(at) FROM audit_entry
WHERE id > %(since)s AND id NOT IN (SELECT entry_id FROM audit_seal WHERE entry_id > %(since)s)
"""
NEW = 20_000


def cards(user: Any) -> list[Panel]:
    if not may_view(user, Entry):
        return []
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        sealed, head = cursor.fetchone() or (0, "none")
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_entry")
        cursor.execute(UNSEALED, {"since": cursor.fetchone()[0] - NEW})
        unsealed, oldest = cursor.fetchone()
    late = oldest is not None and oldest > SEALING_PROMISE
    waits = f"{unsealed:,} wait for a seal" + (f" since {lasting(oldest)}" if late else "")
    return [
        Number(
            title="Audit entries sealed",
            value=f"{sealed:,}",
            note=f"head {head}; {waits}",
            tone=BAD if late else GOOD,
            href=list_url(Entry),
        )
    ]
