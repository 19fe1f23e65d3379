"""The first stage of a verification: the documents that may bear on a claim."""

from __future__ import annotations

from collections.abc import Sequence

from claims.models import Corpus, Document
from claims.retrieval import embedding
from claims.retrieval.search import LONGEST, Found, search

DOCUMENTS = 20
BY_MEANING = 10  # further ones where an embedder is plugged in


def retrieve(text: str, *, corpora: Sequence[str] = (), limit: int = DOCUMENTS) -> list[Found]:
    """The documents of the corpora (all active ones without a name) that fit the text best, best first.

    With an embedder those that are nearest in meaning follow, with a score of 0 where words did not find them.
    """
    names = list(corpora) or list(Corpus.objects.filter(is_active=True).values_list("name", flat=True))
    found = search(text, names, limit)
    near = set(embedding.nearest(text[:LONGEST], names, BY_MEANING)) - {one.document_id for one in found}
    more = Document.objects.filter(pk__in=near).order_by("pk") if near else ()
    return found + [Found(one.pk, one.title, tuple(one.sentences), 0.0) for one in more]
