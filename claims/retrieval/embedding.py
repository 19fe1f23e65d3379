"""An optional plug: vectors of texts by a model of one's own, held by pgvector. Nothing here is ever needed.

CLAIM_EMBEDDER names a class: made with the folder of its files, its embed(texts) gives a row of numbers for each text.
The table is made by `manage.py embed_evidence`, so a database without the extension lacks nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.module_loading import import_string

INSTALLED = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector')"
MADE = "SELECT to_regclass('claims_embedding') IS NOT NULL"
MISSING = """
SELECT document.id, document.body FROM claims_document document
WHERE document.until IS NULL AND document.id > %s AND (%s = '' OR document.corpus_id = %s)
  AND NOT EXISTS (SELECT 1 FROM claims_embedding kept WHERE kept.document_id = document.id)
ORDER BY document.id LIMIT %s
"""
KEEP = "INSERT INTO claims_embedding (document_id, embedding) VALUES (%s, %s::vector) ON CONFLICT DO NOTHING"
NEAREST = """
SELECT document.id FROM claims_embedding kept JOIN claims_document document ON document.id = kept.document_id
WHERE document.until IS NULL AND document.corpus_id = ANY(%s)
ORDER BY kept.embedding <=> %s::vector LIMIT %s
"""


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> np.ndarray: ...


class NoVectors(Exception):
    """No embedder is named, or the database cannot hold vectors."""


@functools.lru_cache(maxsize=2)
def _loaded(path: str, folder: str) -> Embedder:
    return import_string(path)(folder)


def embedder() -> Embedder | None:
    """The one that the settings name; none is the rule."""
    path = settings.CLAIM_EMBEDDER
    return _loaded(path, settings.CLAIM_EMBEDDER_FOLDER) if path else None


def make_table(dimensions: int, *, anew: bool) -> None:
    """Raises NoVectors where the database has no pgvector and we may not install it."""
    with connection.cursor() as cursor:
        if not _one(cursor, INSTALLED):
            _install(cursor)
        if anew:
            cursor.execute("DROP TABLE IF EXISTS claims_embedding")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS claims_embedding (document_id bigint PRIMARY KEY "
            f"REFERENCES claims_document ON DELETE CASCADE, embedding vector({int(dimensions)}) NOT NULL)"
        )
        cursor.execute(
            "CREATE INDEX IF NOT EXISTS claims_embedding_near ON claims_embedding "
            "USING hnsw (embedding vector_cosine_ops)"
        )


def _install(cursor: Any) -> None:
    try:
        with transaction.atomic():
            cursor.execute("CREATE EXTENSION vector")
    except DatabaseError as error:
        why = str(error).strip().splitlines()[0]
        raise NoVectors(
            f"The database has no extension `vector` (pgvector), and it cannot be made here: {why}. Claims work "
            "without it; to have it, a superuser runs CREATE EXTENSION vector once."
        ) from error


def embed_missing(using: Embedder, corpus: str, *, batch: int = 256) -> int:
    """Keep vectors of documents that have none; of all corpora without a name. Returns how many."""
    done, after = 0, 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(MISSING, [after, corpus, corpus, batch])
            rows = cursor.fetchall()
            if not rows:
                return done
            vectors = using.embed([body for _, body in rows])
            cursor.executemany(KEEP, [(row[0], _written(one)) for row, one in zip(rows, vectors, strict=True)])
            done, after = done + len(rows), rows[-1][0]


def nearest(text: str, corpora: Sequence[str], limit: int) -> list[int]:
    """Documents that mean the most alike, nearest first; none without an embedder or its table."""
    using = embedder()
    if using is None:
        return []
    with connection.cursor() as cursor:
        if not _one(cursor, MADE):
            return []
        cursor.execute(NEAREST, [list(corpora), _written(using.embed([text])[0]), limit])
        return [row[0] for row in cursor.fetchall()]


def _written(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{float(one):.6g}" for one in vector) + "]"


def _one(cursor: Any, statement: str) -> Any:
    cursor.execute(statement)
    return cursor.fetchone()[0]
