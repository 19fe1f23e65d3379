"""The figures of a training, all of claims that the models had not seen, beside those of plain baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.judging.decision import LABELS, MOST, NEARLY
from claims.judging.training import measures
from claims.judging.training.cases import Text
from claims.judging.training.fitting import NO_EVIDENCE
from claims.judging.training.table import Table
from claims.judging.training.validation import Unseen

if TYPE_CHECKING:
    from claims.judging.training.run import Searches

REFERENCES = {
    "scifact": {"accuracy": 0.532, "macro_f1": 0.501},
    "climate_fever": {"accuracy": 0.500, "macro_f1": 0.412},
    "fm2": {"accuracy": 0.567},
    "fever_symmetric": {"accuracy": 0.640},
}
FOUND = {"recall_10": 0.921, "ndcg_10": 0.669}
PIPELINE = {"f1": 0.284}
BEST = 10
LEVELS = np.round(np.arange(0.1, 0.96, 0.02), 2)


def of(
    table: Table, unseen: Unseen, searches: Searches, corpus: Sequence[Text], *, fold: np.ndarray, seed: int, draws: int
) -> dict[str, Any]:
    """disputed_from: from this strength of the best sentence on either side on evidence stands against evidence."""
    labels = np.array([one.label for one in table.cases])
    names = np.array([one.set for one in table.cases])
    told = np.array([one.told for one in table.cases])
    groups = np.array([one.group for one in table.cases])
    sides = strengths(table, unseen)
    guess, certain, level = decided(unseen, sides, labels, names, told, fold)
    found: dict[str, Any] = {"claims": dict(Counter(names[told].tolist())), "disputed_from": level, "sets": {}}
    for name in [one for one in REFERENCES if (told & (names == one)).any()]:
        rows = np.flatnonzero(told & (names == name))
        found["sets"][name] = _set(name, rows, unseen, guess, certain, labels, groups, draws, seed)
    if searches.cases:
        found["retrieval"] = _retrieval(searches, corpus, draws, seed)
        rows = np.flatnonzero(~told)
        found["pipeline"] = _pipeline(table, unseen, rows, guess, groups, draws, seed)
        found["pipeline"] |= {"accuracy": round(float((guess[rows] == labels[rows]).mean()), 4),
                              "macro_f1": round(measures.macro_f1(labels[rows], guess[rows]), 4),
                              "surest_half": round(measures.surest(certain[rows], guess[rows] == labels[rows], 0.5), 4),
                              "calibration_error": round(measures.calibration_error(certain[rows], guess[rows] == labels[rows]), 4)}  # fmt: skip
        found["leaks"] = _leaks(searches, fold[told & (names == "scifact")])
    return found


def strengths(table: Table, unseen: Unseen) -> np.ndarray:
    """Case × side: the strongest sentence for and against, as in decision.strength."""
    said = unseen.sentences
    supports = 1 / (1 + np.exp(-said.polarity))
    weight = said.evidence * table.chance
    sides = np.zeros((len(table.cases), 2))
    np.maximum.at(sides[:, 0], table.of, np.where(said.polarity > 0, weight * supports, 0))
    np.maximum.at(sides[:, 1], table.of, np.where(said.polarity <= 0, weight * (1 - supports), 0))
    return sides


def decided(
    unseen: Unseen, sides: np.ndarray, labels: np.ndarray, names: np.ndarray, told: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Labels and certainty. Each fold's level of dispute is that of the others; the last is that of all."""
    disputes = told & (names == "climate_fever")
    guess = np.array(LABELS)[unseen.chances.argmax(axis=1)]
    certain = unseen.certainty.copy()
    for number in sorted(set(fold.tolist())):
        level = _level(unseen.chances, sides, labels, disputes & (fold != number))
        own = (fold == number) & (sides.min(axis=1) >= level)
        guess[own] = _disputed(unseen.chances[own])
    return guess, certain, _level(unseen.chances, sides, labels, disputes)


def _disputed(chances: np.ndarray) -> np.ndarray:
    nothing = chances[:, LABELS.index(NO_EVIDENCE)]
    return np.where(nothing > 0.5, NO_EVIDENCE, "DISPUTED")


def _level(chances: np.ndarray, sides: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> float:
    """The level with the best mean of accuracy and macro-F1."""
    if not rows.any():
        return 0.5
    plain, scores = np.array(LABELS)[chances.argmax(axis=1)], []
    for level in LEVELS:
        guess = np.where(sides.min(axis=1) >= level, _disputed(chances), plain)[rows]
        scores.append((guess == labels[rows]).mean() + measures.macro_f1(labels[rows], guess))
    return float(LEVELS[int(np.argmax(scores))])


def _set(
    name: str, rows: np.ndarray, unseen: Unseen, guess: np.ndarray, certain: np.ndarray, labels: np.ndarray,
    groups: np.ndarray, draws: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """A set's labels only: where people had no other choice, the judge has none."""
    truth, known = labels[rows], sorted(set(labels[rows].tolist()), key=LABELS.index)
    columns = [LABELS.index(one) for one in known]
    chances = unseen.chances[rows][:, columns]
    chances = chances / chances.sum(axis=1, keepdims=True)
    said = np.array(known)[chances.argmax(axis=1)]
    sure = chances.max(axis=1) if len(known) < len(LABELS) else certain[rows]
    said = guess[rows] if len(known) == len(LABELS) else said
    right = said == truth
    return {
        "claims": len(rows),
        "labels": {one: int((truth == one).sum()) for one in known},
        "accuracy": round(float(right.mean()), 4),
        "accuracy_interval": measures.interval(groups[rows], lambda at: float(right[at].mean()), draws, seed),
        "macro_f1": round(measures.macro_f1(truth, said), 4),
        "macro_f1_interval": measures.interval(
            groups[rows], lambda at: measures.macro_f1(truth[at], said[at]), draws, seed
        ),
        "surest_half": round(measures.surest(sure, right, 0.5), 4),
        "surest_half_interval": measures.interval(
            groups[rows], lambda at: measures.surest(sure[at], right[at], 0.5), draws, seed
        ),
        "calibration_error": round(measures.calibration_error(sure, right), 4),
        "coverage": measures.coverage(sure, right),
        "reliability": measures.reliability(sure, right),
        "confusion": [[int(((truth == a) & (said == b)).sum()) for b in known] for a in known],
        "reference": REFERENCES[name],
    }


def _retrieval(searches: Searches, corpus: Sequence[Text], draws: int, seed: int) -> dict[str, Any]:
    rows = [at for at, one in enumerate(searches.cases) if one.gold]
    groups = np.array([searches.cases[at].group for at in rows])
    found: dict[str, Any] = {"claims": len(rows), "reference": FOUND}
    for name, scores in (("bm25", searches.found.scores), ("trained", searches.chances)):
        kept = [_ranks(searches, corpus, at, scores[at]) for at in rows]
        recall = np.array([np.mean([rank < BEST for rank in ranks]) for ranks in kept])
        gain = np.array([
            sum(1 / np.log2(rank + 2) for rank in ranks if rank < BEST)
            / sum(1 / np.log2(rank + 2) for rank in range(min(BEST, len(ranks)))) for ranks in kept
        ])  # fmt: skip
        found[name] = {
            "recall_10": round(float(recall.mean()), 4),
            "recall_10_interval": measures.interval(groups, lambda at, by=recall: float(by[at].mean()), draws, seed),
            "ndcg_10": round(float(gain.mean()), 4),
            "recall_3": round(float(np.mean([np.mean([rank < 3 for rank in ranks]) for ranks in kept])), 4),
        }
    return found


def _ranks(searches: Searches, corpus: Sequence[Text], at: int, scores: np.ndarray) -> list[int]:
    order = np.argsort(-scores, kind="stable")
    ids = [corpus[place].id for place in searches.found.places[at][order].tolist()]
    return [ids.index(gold) if gold in ids else len(corpus) for gold in sorted(searches.cases[at].gold)]


def _pipeline(
    table: Table, unseen: Unseen, rows: np.ndarray, guess: np.ndarray, groups: np.ndarray, draws: int, seed: int
) -> dict[str, Any]:
    """Abstracts named with their label, as SciFact counts them (Wadden et al. 2020, label only): a claim's gold
    abstracts are those with evidence; one is found if it is named with its own label. Named are the documents of the
    sentences that decide."""
    counts = np.array([_named(table, unseen, case, guess[case]) for case in rows.tolist()], float)
    right, said, wanted = counts.sum(axis=0)
    of = lambda at: measures.f1(*counts[at].sum(axis=0))  # noqa: E731
    return {
        "claims": len(rows),
        "precision": round(right / max(1, said), 4),
        "recall": round(right / max(1, wanted), 4),
        "f1": round(measures.f1(right, said, wanted), 4),
        "f1_interval": measures.interval(groups[rows], of, draws, seed),
        "reference": PIPELINE,
    }


def _named(table: Table, unseen: Unseen, case: int, label: str) -> tuple[int, int, int]:
    """Abstracts named rightly, named, and to be named."""
    one = table.cases[case]
    if label not in ("SUPPORTED", "REFUTED"):
        return 0, 0, len(one.gold)
    rows = np.arange(table.starts[case], table.starts[case + 1])
    polarity = unseen.sentences.polarity[rows] * (1 if label == "SUPPORTED" else -1)
    strength = unseen.sentences.evidence[rows] * table.chance[rows] / (1 + np.exp(-polarity)) * (polarity > 0)
    best = np.argsort(-strength, kind="stable")[:MOST]
    best = best[(strength[best] > 0) & (strength[best] >= NEARLY * strength[best[0]])]
    named = {one.texts[table.documents[rows[at]]].id for at in best.tolist()}
    return len(named & one.gold) if label == one.label else 0, len(named), len(one.gold)


def _leaks(searches: Searches, fold: np.ndarray) -> dict[str, int]:
    """Cited documents and claims that two folds share; there must be none."""
    seen: dict[str, set[int]] = {}
    for one, number in zip(searches.cases, fold.tolist(), strict=True):
        for key in [f"claim {one.claim}", *(f"document {text.id}" for text in one.texts)]:
            seen.setdefault(key, set()).add(number)
    shared = [key for key, folds in seen.items() if len(folds) > 1]
    return {
        "documents_in_two_folds": sum(key.startswith("document ") for key in shared),
        "claims_in_two_folds": sum(key.startswith("claim ") for key in shared),
    }
