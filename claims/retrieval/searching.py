"""The first stage of a verification: the documents that may bear on a claim."""

from __future__ import annotations

from collections.abc import Sequence

from claims.models import Corpus
from claims.retrieval.search import Found, search

DOCUMENTS = 20


def retrieve(text: str, *, corpora: Sequence[str] = (), limit: int = DOCUMENTS) -> list[Found]:
    """The documents of the corpora (all active ones without a name) that fit the text best, best first."""
    names = list(corpora) or list(Corpus.objects.filter(is_active=True).values_list("name", flat=True))
    return search(text, names, limit)
