"""Documents that speak of what a claim speaks of: PostgreSQL's full text finds them, BM25 puts them in order.

The words of the claim are taken rarest first; the documents that hold the most of their weight are read closely.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

LONGEST = 4_000  # characters of a claim that are searched
MOST_WORDS = 32  # of a claim, the rarest ones
MOST_POSTINGS = 60_000  # documents that are looked up for all words together
READ_CLOSELY = 100
SATURATION, FULLNESS = (
    0.9,
    0.4,
)  # of BM25: how soon a word said again adds nothing, and how much a long text counts less

WORDS = """
SELECT asked.lexeme, sum(counted.documents)::bigint
FROM unnest(to_tsvector('english', %(text)s)) asked
JOIN claims_wordcount counted ON counted.lexeme = asked.lexeme AND counted.corpus_id = ANY(%(corpora)s)
GROUP BY 1 ORDER BY 2, 1
"""
SIZES = """
SELECT coalesce(sum(document_count), 0)::bigint,
  coalesce(sum(document_count * mean_words) / nullif(sum(document_count), 0), 0)::float8
FROM claims_corpus WHERE name = ANY(%(corpora)s)
"""
NEAREST = """
WITH asked AS (SELECT * FROM unnest(%(lexemes)s::text[], %(queries)s::text[], %(rarities)s::float8[])
  AS one (lexeme, query, rarity)),
found AS (
  SELECT document.id, sum(asked.rarity) AS weight FROM asked
  JOIN claims_document document ON document.search @@ asked.query::tsquery
    AND document.until IS NULL AND document.corpus_id = ANY(%(corpora)s)
  GROUP BY document.id ORDER BY weight DESC, document.id LIMIT %(closely)s
),
scored AS (
  SELECT found.id, sum(asked.rarity * cardinality(said.positions) * (1 + %(saturation)s) / (cardinality(said.positions)
    + %(saturation)s * (1 - %(fullness)s + %(fullness)s * length(document.search) / %(mean)s))) AS score
  FROM found JOIN claims_document document USING (id)
  CROSS JOIN LATERAL (SELECT lexeme, positions FROM unnest(document.search) WHERE lexeme = ANY(%(lexemes)s)) said
  JOIN asked ON asked.lexeme = said.lexeme
  GROUP BY found.id
)
SELECT document.id, document.title, document.sentences, scored.score::float8
FROM scored JOIN claims_document document USING (id) ORDER BY scored.score DESC, document.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A document and how well it fits the claim: BM25, in nats."""

    document_id: int
    title: str
    sentences: tuple[str, ...]
    score: float


def search(text: str, corpora: Sequence[str], limit: int) -> list[Found]:
    """The best documents of the corpora, best first."""
    given: dict[str, Any] = {"text": text[:LONGEST].replace("\x00", " "), "corpora": list(corpora)}
    with connection.cursor() as cursor:
        cursor.execute(SIZES, given)
        documents, mean = cursor.fetchone()
        cursor.execute(WORDS, given)
        asked = rarest(cursor.fetchall())
        if not asked:
            return []
        given |= {
            "lexemes": [lexeme for lexeme, _ in asked],
            "queries": [quoted(lexeme) for lexeme, _ in asked],
            "rarities": [rarity(holding, documents) for _, holding in asked],
            "mean": mean or 1.0, "closely": max(READ_CLOSELY, limit), "limit": limit,
            "saturation": SATURATION, "fullness": FULLNESS,
        }  # fmt: skip
        cursor.execute(NEAREST, given)
        rows = cursor.fetchall()
    return [Found(row[0], row[1], tuple(_sentences(row[2])), row[3]) for row in rows]


def rarest(counted: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Of words with their documents, rarest first, those that can be looked up; the rarest in any case."""
    taken: list[tuple[str, int]] = []
    postings = 0
    for lexeme, documents in counted[:MOST_WORDS]:
        postings += documents
        if taken and postings > MOST_POSTINGS:
            break
        taken.append((lexeme, documents))
    return taken


def rarity(holding: int, documents: int) -> float:
    """Inverse document frequency, never below zero."""
    return math.log(1 + max(0.0, documents - holding + 0.5) / (holding + 0.5))


def quoted(lexeme: str) -> str:
    """A lexeme as a tsquery that asks for it alone."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _sentences(stored: Any) -> list[str]:
    return json.loads(stored) if isinstance(stored, str) else stored
