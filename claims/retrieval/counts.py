"""In how many documents of a corpus each word is, and how long they are; kept as the corpus changes."""

from __future__ import annotations

from django.db import connection

CHANGE = """
MERGE INTO claims_wordcount counted USING (
  SELECT said.lexeme, sum(change.sign) AS documents
  FROM (
    SELECT search, 1 AS sign FROM claims_document WHERE corpus_id = %(corpus)s AND since = %(version)s
    UNION ALL SELECT search, -1 FROM claims_document WHERE corpus_id = %(corpus)s AND until = %(version)s
  ) change, unnest(change.search) said
  GROUP BY said.lexeme HAVING sum(change.sign) <> 0
) change ON counted.corpus_id = %(corpus)s AND counted.lexeme = change.lexeme
WHEN MATCHED AND counted.documents + change.documents <= 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET documents = counted.documents + change.documents
WHEN NOT MATCHED THEN INSERT (corpus_id, lexeme, documents) VALUES (%(corpus)s, change.lexeme, change.documents)
"""
MEASURE = """
UPDATE claims_corpus SET mean_words = coalesce(
  (SELECT avg(length(search)) FROM claims_document WHERE corpus_id = %(corpus)s AND until IS NULL), 0)
WHERE name = %(corpus)s
"""


def count_words(corpus: str, version: int) -> None:
    """Take in what the load that made this version added and removed; in its transaction."""
    with connection.cursor() as cursor:
        for statement in (CHANGE, MEASURE):
            cursor.execute(statement, {"corpus": corpus, "version": version})
