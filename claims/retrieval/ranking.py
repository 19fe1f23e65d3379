"""The second stage: documents in a trained order, and of the best ones the sentences most likely to be evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from claims.judging.published import reader
from claims.judging.reader import Reader
from claims.reading.parsed import Parsed
from claims.retrieval import documents
from claims.retrieval.search import Found

DOCUMENTS = 3  # whose sentences are read
SENTENCES = 30
LONGEST = 60  # sentences of a document that are read


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be evidence. position: in its document, from 0.

    retrieval_score: of its document by BM25. document_chance: that the document bears on the claim; 1 where somebody
    chose it. rank_score: the chance that the sentence is evidence, if the document is. context: stems of the document.
    """

    document_id: int
    position: int
    text: str
    retrieval_score: float = 0.0
    rank_score: float = 0.0
    document_chance: float = 1.0
    context: frozenset[str] = frozenset()
    place: float = 0.0


def order(text: str, found: Sequence[Found]) -> list[tuple[Found, float]]:
    """The documents with the chance of each to bear on the claim, the likeliest first."""
    return [(one, chance) for one, chance, _ in _ordered(Parsed(text, reader().lexicon), found, reader())]


def rank(text: str, found: Sequence[Found]) -> list[Candidate]:
    """The sentences of the best documents, the likeliest evidence first."""
    with_model = reader()
    claim = Parsed(text, with_model.lexicon)
    best = _ordered(claim, found, with_model)[:DOCUMENTS]
    candidates = [one for item in best for one in _sentences(claim, *item, with_model)]
    return sorted(candidates, key=lambda one: -one.rank_score * one.document_chance)[:SENTENCES]


def _ordered(
    claim: Parsed, found: Sequence[Found], model: Reader
) -> list[tuple[Found, float, tuple[Parsed, list[Parsed]]]]:
    if not found:
        return []
    parsed = [
        (Parsed(one.title, model.lexicon), [Parsed(said, model.lexicon) for said in one.sentences[:LONGEST]])
        for one in found
    ]
    rows = documents.compare(claim, parsed, [one.score for one in found])
    chances = model.document_chances(rows)
    best = np.argsort(-chances, kind="stable").tolist()
    return [(found[at], float(chances[at]), parsed[at]) for at in best]


def _sentences(
    claim: Parsed, one: Found, chance: float, parsed: tuple[Parsed, list[Parsed]], model: Reader
) -> list[Candidate]:
    title, sentences = parsed
    context = frozenset(stem for part in (title, *sentences) for stem in part.stems)
    last = max(1, len(sentences) - 1)
    places = [position / last for position in range(len(sentences))]
    scores = model.evidence_chances(model.rows(claim, sentences, [context] * len(sentences), places))
    return [
        Candidate(one.document_id, position, text, one.score, float(score), chance, context, place)
        for position, (text, score, place) in enumerate(zip(one.sentences[:LONGEST], scores, places, strict=True))
    ]
