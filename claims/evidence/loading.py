"""Store a corpus: what a file holds is compared with what is there, and only what changed is written.

The file is copied into a table of the transaction, batch by batch, so memory stays flat; then the database compares.
Nobody sees half a load.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction

from audit.services import log_audit_event
from claims.evidence.files import BadRow
from claims.evidence.sources import Text
from claims.models import Corpus
from claims.retrieval.counts import count_words

BATCH = 1_000
NAMED = 20  # ids that differ within one file
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

BEGIN = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
STAGE = """
CREATE TEMPORARY TABLE evidence_load (
  place bigint GENERATED ALWAYS AS IDENTITY, external_id text NOT NULL, title text NOT NULL, url text NOT NULL,
  sentences jsonb NOT NULL, body text NOT NULL, sha256 text NOT NULL
)
"""
UNSTAGE = "DROP TABLE evidence_load"
COPY = "COPY evidence_load (external_id, title, url, sentences, body, sha256) FROM STDIN"
INDEX = "CREATE INDEX ON evidence_load (external_id, place); ANALYZE evidence_load"
CLASHES = """
SELECT external_id FROM evidence_load GROUP BY external_id HAVING count(DISTINCT sha256) > 1 ORDER BY min(place)
"""
ONCE = """
DELETE FROM evidence_load later USING evidence_load first
WHERE later.external_id = first.external_id AND later.place > first.place
"""
CLOSE_CHANGED = """
UPDATE claims_document d SET until = %(next)s FROM evidence_load l
WHERE d.corpus_id = %(corpus)s AND d.until IS NULL AND d.external_id = l.external_id AND d.sha256 <> l.sha256
"""
CLOSE_GONE = """
UPDATE claims_document d SET until = %(next)s WHERE d.corpus_id = %(corpus)s AND d.until IS NULL
  AND NOT EXISTS (SELECT 1 FROM evidence_load l WHERE l.external_id = d.external_id)
"""
MOVE = """
UPDATE claims_document d SET url = l.url FROM evidence_load l
WHERE d.corpus_id = %(corpus)s AND d.until IS NULL AND d.external_id = l.external_id AND d.url <> l.url
"""
ADD = """
INSERT INTO claims_document (corpus_id, external_id, title, url, sentences, body, sha256, since)
SELECT %(corpus)s, l.external_id, l.title, l.url, l.sentences, l.body, l.sha256, %(next)s FROM evidence_load l
WHERE NOT EXISTS (SELECT 1 FROM claims_document d
  WHERE d.corpus_id = %(corpus)s AND d.until IS NULL AND d.external_id = l.external_id)
ORDER BY l.place
"""
CHANGED = """
UPDATE claims_corpus SET version = %(next)s, changed_at = statement_timestamp(), document_count =
  (SELECT count(*) FROM claims_document d WHERE d.corpus_id = %(corpus)s AND d.until IS NULL) WHERE name = %(corpus)s
"""
SETTLE = "ANALYZE claims_document, claims_wordcount"  # skipped with a warning where the tables are not ours


class NothingToLoad(Exception):
    """The file holds no document; an empty corpus is more likely a mistake than a wish."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did, or would do. version: of the corpus after it; clashes: ids whose texts differ in the file."""

    corpus: str
    version: int
    read: int
    added: int
    changed: int
    removed: int
    unchanged: int
    bad: int
    clashes: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def load(
    name: str,
    texts: Iterable[Text | BadRow],
    *,
    title: str = "",
    licence: str = "",
    source_url: str = "",
    keep_missing: bool = False,
    dry_run: bool = False,
    on_bad: Callable[[BadRow], None] = lambda bad: None,
    on_batch: Callable[[int], None] = lambda read: None,
) -> Loaded:
    """Make a corpus hold what the file holds, in one transaction; the same again changes nothing.

    keep_missing: documents that the file does not name stay. on_bad: told of each row that is left out. Of an id that
    comes twice the first counts. Raises NothingToLoad.
    """
    described = {"title": title or name, "licence": licence, "source_url": source_url}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BEGIN)
        Corpus.objects.get_or_create(name=name, defaults=described)
        corpus = Corpus.objects.select_for_update().get(name=name)  # loads of one corpus take turns
        _describe(corpus, {key: value for key, value in described.items() if value and value != name})
        read, bad = _stage(cursor, texts, on_bad, on_batch)
        if not read:
            raise NothingToLoad(f"There is no document to load ({bad} bad rows).")
        loaded = _merge(cursor, corpus, bad, keep_missing)
        cursor.execute(UNSTAGE)
        if loaded.is_change:
            cursor.execute(SETTLE)
            log_audit_event("corpus_loaded", "corpus", name, loaded.as_dict() | {"clashes": len(loaded.clashes)})
        transaction.set_rollback(dry_run)
    return loaded


def _describe(corpus: Corpus, told: dict[str, str]) -> None:
    fresh = {key: value for key, value in told.items() if getattr(corpus, key) != value}
    if fresh:
        Corpus.objects.filter(pk=corpus.pk).update(**fresh)


def _stage(
    cursor: Any, texts: Iterable[Text | BadRow], on_bad: Callable[[BadRow], None], on_batch: Callable[[int], None]
) -> tuple[int, int]:
    cursor.execute(STAGE)
    read = bad = 0

    def good() -> Iterator[Text]:
        nonlocal bad
        for text in texts:
            if isinstance(text, BadRow):
                bad += 1
                on_bad(text)
            else:
                yield text

    documents = good()
    while batch := list(islice(documents, BATCH)):
        cursor.copy_expert(COPY, io.StringIO("".join(map(_line, batch))))
        read += len(batch)
        on_batch(read)
    cursor.execute(INDEX)
    return read, bad


def _line(text: Text) -> str:
    sentences = json.dumps(text.sentences, ensure_ascii=False)
    row = (text.id, text.title, text.url, sentences, text.body, text.sha256)
    return "\t".join(value.translate(ESCAPED) for value in row) + "\n"


def _merge(cursor: Any, corpus: Corpus, bad: int, keep_missing: bool) -> Loaded:
    given = {"corpus": corpus.name, "next": corpus.version + 1}

    def rows(statement: str) -> int:
        cursor.execute(statement, given)
        return cursor.rowcount

    cursor.execute(CLASHES)
    clashes = tuple(row[0] for row in cursor.fetchmany(NAMED))
    rows(ONCE)
    cursor.execute("SELECT count(*) FROM evidence_load")
    [distinct] = cursor.fetchone()
    changed = rows(CLOSE_CHANGED)
    removed = 0 if keep_missing else rows(CLOSE_GONE)
    rows(MOVE)
    added = rows(ADD) - changed
    version = corpus.version
    if added or changed or removed:
        rows(CHANGED)
        count_words(corpus.name, corpus.version + 1)
        version += 1
    return Loaded(corpus.name, version, distinct, added, changed, removed, distinct - added - changed, bad, clashes)
