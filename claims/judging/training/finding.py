"""What search finds for SciFact's claims, as the database would, and the order of documents learnt from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from claims.judging.training.cases import Case, Text
from claims.reading.lexicon import Lexicon
from claims.reading.parsed import Parsed
from claims.retrieval import documents
from claims.retrieval.search import FULLNESS, SATURATION
from claims.retrieval.searching import DOCUMENTS


@dataclass(frozen=True)
class Searched:
    """For each claim the documents found, best first: places in the corpus, BM25, the numbers of each."""

    places: list[np.ndarray]
    scores: list[np.ndarray]
    rows: list[np.ndarray]


def search(claims: Sequence[str], corpus: Sequence[Text], lexicon: Lexicon) -> Searched:
    """BM25 over stems of title and sentences; lengths are different words, as in the database."""
    said = [
        Counter(word for part in (one.title, *one.sentences) for word in Parsed(part, lexicon).stems) for one in corpus
    ]
    place: dict[str, int] = {}
    for words in said:
        for word in words:
            place.setdefault(word, len(place))
    columns = np.array([place[word] for words in said for word in words])
    often = np.array([count for words in said for count in words.values()], float)
    lengths = np.array([len(words) for words in said])
    of = np.repeat(np.arange(len(said)), lengths)
    holding = np.bincount(columns, minlength=len(place))
    rarity = np.log(1 + (len(said) - holding + 0.5) / (holding + 0.5))
    full = 1 - FULLNESS + FULLNESS * lengths[of] / lengths.mean()
    worth = rarity[columns] * often * (1 + SATURATION) / (often + SATURATION * full)
    index = sparse.csc_matrix((worth, (of, columns)), shape=(len(said), len(place)))
    found = Searched([], [], [])
    for text in claims:
        claim = Parsed(text, lexicon)
        asked = [place[stem] for stem in dict.fromkeys(claim.stems) if stem in place]
        scores = np.asarray(index[:, asked].sum(axis=1)).ravel()
        best = np.argsort(-scores, kind="stable")[:DOCUMENTS]
        read = [_parsed(corpus[at], lexicon) for at in best.tolist()]
        found.places.append(best)
        found.scores.append(scores[best])
        found.rows.append(documents.compare(claim, read, scores[best].tolist()))
    return found


def _parsed(text: Text, lexicon: Lexicon) -> tuple[Parsed, list[Parsed]]:
    return Parsed(text.title, lexicon), [Parsed(said, lexicon) for said in text.sentences]


def relevant(cases: Sequence[Case], corpus: Sequence[Text], found: Searched) -> list[np.ndarray]:
    """Which found documents bear on each claim: those with evidence; of a claim without, those that it cites."""
    wanted = [one.gold or {text.id for text in one.texts} for one in cases]
    return [
        np.array([corpus[at].id in gold for at in places.tolist()])
        for gold, places in zip(wanted, found.places, strict=True)
    ]


def fit(rows: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of the order of documents."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    machine = LogisticRegression(C=0.1, max_iter=1000).fit((rows - mean) / scale, right)
    return {
        "documents_mean": mean.astype(np.float32),
        "documents_scale": scale.astype(np.float32),
        "documents_weights": machine.coef_[0].astype(np.float32),
        "documents_bias": machine.intercept_.astype(np.float32),
    }


def chances(arrays: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    odds = (rows - arrays["documents_mean"]) / arrays["documents_scale"] @ arrays["documents_weights"]
    return 1 / (1 + np.exp(-(odds + arrays["documents_bias"][0])))


def unfitted() -> dict[str, np.ndarray]:
    """By BM25 alone, where no claim says which documents are right."""
    size = len(documents.FEATURES)
    weights = np.zeros(size, np.float32)
    weights[:3] = 1.0, 5.0, 1.0
    return {
        "documents_mean": np.zeros(size, np.float32),
        "documents_scale": np.ones(size, np.float32),
        "documents_weights": weights,
        "documents_bias": np.array([-3.0], np.float32),
    }
