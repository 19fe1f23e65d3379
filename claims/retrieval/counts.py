"""In how many documents of a corpus each word is, and how long they are; kept as the corpus changes."""

from __future__ import annotations

from django.db import connection

ADD = """
INSERT INTO claims_wordcount (corpus_id, lexeme, documents)
SELECT %(corpus)s, said.lexeme, sum(change.sign)
FROM (
  SELECT search, 1 AS sign FROM claims_document WHERE corpus_id = %(corpus)s AND since = %(version)s
  UNION ALL SELECT search, -1 FROM claims_document WHERE corpus_id = %(corpus)s AND until = %(version)s
) change, unnest(change.search) said
GROUP BY said.lexeme HAVING sum(change.sign) <> 0
ON CONFLICT (corpus_id, lexeme) DO UPDATE SET documents = claims_wordcount.documents + excluded.documents
"""
FORGET = "DELETE FROM claims_wordcount WHERE corpus_id = %(corpus)s AND documents <= 0"
MEASURE = """
UPDATE claims_corpus SET mean_words = coalesce(
  (SELECT avg(length(search)) FROM claims_document WHERE corpus_id = %(corpus)s AND until IS NULL), 0)
WHERE name = %(corpus)s
"""


def count_words(corpus: str, version: int) -> None:
    """Take in what the load that made this version added and removed; in its transaction."""
    with connection.cursor() as cursor:
        for statement in (ADD, FORGET, MEASURE):
            cursor.execute(statement, {"corpus": corpus, "version": version})
