"""Verdicts that rest on evidence as it was: claims whose corpora have changed since they were verified."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from claims.models import Claim

# What a run would look into now: all active corpora, or those of them that it was told to.
WANTED = """
WITH active AS (SELECT coalesce(jsonb_object_agg(name, version), '{{}}') AS versions FROM claims_corpus WHERE is_active)
SELECT {columns} FROM active, claims_claim c JOIN claims_verificationrun r ON r.id = c.verdict_id
CROSS JOIN LATERAL (SELECT CASE WHEN r.only = '[]' THEN active.versions ELSE (
  SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(active.versions) WHERE r.only ? key
) END AS versions) AS wanted
WHERE r.corpora <> wanted.versions AND wanted.versions <> '{{}}'
  AND (%(corpus)s::text IS NULL OR r.corpora -> %(corpus)s IS DISTINCT FROM wanted.versions -> %(corpus)s)
  AND NOT EXISTS (SELECT 1 FROM claims_verificationrun p WHERE p.claim_id = c.id AND p.status = 'pending')
"""
COUNT = f"SELECT count(*) FROM ({WANTED.format(columns='1')} LIMIT %(limit)s) found"  # noqa: S608 - our own columns
LOCK = f"""{WANTED.format(columns="c.id, r.only")}
  AND (%(after)s::uuid IS NULL OR c.id > %(after)s::uuid)
ORDER BY c.id LIMIT %(limit)s FOR NO KEY UPDATE OF c SKIP LOCKED
"""


def count_outdated(corpus: str | None = None, *, limit: int | None = None) -> int:
    """Claims to verify again, of which no run is under way. corpus: only if that one changed; limit: count so far."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"corpus": corpus, "limit": limit})
        return cursor.fetchone()[0]


def lock_outdated(corpus: str | None, *, after: Any, limit: int) -> list[tuple[Claim, list[str]]]:
    """The next of them in the order of their ids, locked, with the corpora that their verdict was told to look into.

    Whom somebody else has locked is left out: they are asking for a verification themselves, or get a verdict.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"corpus": corpus, "after": after, "limit": limit})
        rows = cursor.fetchall()
    return [(Claim(pk=pk), json.loads(only) if isinstance(only, str) else only) for pk, only in rows]
