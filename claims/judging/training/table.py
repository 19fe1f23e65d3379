"""Every claim beside every sentence that it is held against, as numbers; found once and used by all fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from claims.judging.training.cases import Case
from claims.reading import pairs, turns
from claims.reading.lexicon import Lexicon
from claims.reading.parsed import Parsed


@dataclass(frozen=True)
class Table:
    """Rows of sentences, case by case. of: the case. chance: that the document bears on the claim. covered: of cases,
    the share of the claim that all of its sentences say."""

    cases: Sequence[Case]
    of: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    slots: sparse.csr_matrix
    labels: np.ndarray
    chance: np.ndarray
    documents: np.ndarray
    covered: np.ndarray


def build(
    cases: Sequence[Case], lexicon: Lexicon, chances: Sequence[Sequence[float]], say: Callable[[str], None]
) -> Table:
    """chances: of each case's texts, that it bears on the claim."""
    of, rows, labels, chance, documents, covered = [], [], [], [], [], []
    slots: list[dict[int, float]] = []
    for number, (case, likely) in enumerate(zip(cases, chances, strict=True)):
        claim = Parsed(case.claim, lexicon)
        everywhere: set[str] = set()
        for at, (text, one) in enumerate(zip(case.texts, likely, strict=True)):
            said = [Parsed(sentence, lexicon) for sentence in text.sentences]
            context = frozenset(stem for part in (Parsed(text.title, lexicon), *said) for stem in part.stems)
            everywhere |= context
            last = max(1, len(said) - 1)
            for place, sentence in enumerate(said):
                of.append(number)
                rows.append(pairs.compare(claim, sentence, context, place=place / last))
                slots.append(turns.slots_of(claim, sentence))
                labels.append(text.labels[place] if text.labels else "")
                chance.append(one)
                documents.append(at)
        held = sum(weight for stem, weight in zip(claim.stems, claim.rarities, strict=True) if stem in everywhere)
        covered.append(held / (claim.weight or 1.0))
        if number % 500 == 499:
            say(f"{number + 1:,} claims compared")
    ends = np.cumsum([0, *map(len, slots)])
    columns = [slot for found in slots for slot in found]
    worth = [value for found in slots for value in found.values()]
    return Table(
        cases, np.array(of), np.searchsorted(np.array(of), np.arange(len(cases) + 1)),
        np.array(rows, np.float32), sparse.csr_matrix((worth, columns, ends), (len(slots), turns.SLOTS)),
        np.array(labels), np.array(chance, np.float32), np.array(documents), np.array(covered),
    )  # fmt: skip
