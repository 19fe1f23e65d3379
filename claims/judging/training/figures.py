"""The figures of a training, all of claims that the models had not seen, beside those of plain baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.judging.decision import LABELS, MOST, NEARLY
from claims.judging.training import deciding, measures
from claims.judging.training.cases import Text
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


def of(
    table: Table, unseen: Unseen, searches: Searches, corpus: Sequence[Text], *, fold: np.ndarray, seed: int, draws: int
) -> dict[str, Any]:
    labels = np.array([one.label for one in table.cases])
    names = np.array([one.set for one in table.cases])
    told = np.array([one.told for one in table.cases])
    groups = np.array([one.group for one in table.cases])
    guess, certain, leaning = deciding.by_fold(table, unseen, deciding.strengths(table, unseen), fold)
    found: dict[str, Any] = {"claims": dict(Counter(names[told].tolist())), "sets": {}}
    for name in [one for one in REFERENCES if (told & (names == one)).any()]:
        rows = np.flatnonzero(told & (names == name))
        found["sets"][name] = _set(name, rows, unseen.chances, leaning, certain, labels, groups, draws, seed)
    if searches.cases:
        found["retrieval"] = _retrieval(searches, corpus, draws, seed)
        rows = np.flatnonzero(~told)
        found["pipeline"] = _pipeline(table, unseen, rows, guess, groups, draws, seed)
        found["pipeline"] |= _verdicts(guess[rows], labels[rows], certain[rows])
        found["leaks"] = _leaks(searches, fold[told & (names == "scifact")])
    return found


def _verdicts(guess: np.ndarray, truth: np.ndarray, certain: np.ndarray) -> dict[str, float]:
    right = guess == truth
    return {
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(measures.macro_f1(truth, guess), 4),
        "surest_half": round(measures.surest(certain, right, 0.5), 4),
        "calibration_error": round(measures.calibration_error(certain, right), 4),
    }


def _set(
    name: str, rows: np.ndarray, unseen: np.ndarray, leaning: np.ndarray, certain: np.ndarray, labels: np.ndarray,
    groups: np.ndarray, draws: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """A set's labels only: where people had no other choice, the judge has none. leaning: chances as labels are taken
    by; between two sides chances alone decide."""
    truth, known = labels[rows], sorted(set(labels[rows].tolist()), key=LABELS.index)
    columns = [LABELS.index(one) for one in known]
    chances = unseen[rows][:, columns]
    chances = chances / chances.sum(axis=1, keepdims=True)
    place = (leaning[rows][:, columns] if len(known) > 2 else chances).argmax(axis=1)
    said = np.array(known)[place]
    sure = certain[rows] if len(known) == len(LABELS) else chances[np.arange(len(place)), place]
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
            "recall_10_interval": measures.interval(groups, partial(_mean, recall), draws, seed),
            "ndcg_10": round(float(gain.mean()), 4),
            "recall_3": round(float(np.mean([np.mean([rank < 3 for rank in ranks]) for ranks in kept])), 4),
        }
    return found


def _mean(values: np.ndarray, at: np.ndarray) -> float:
    return float(values[at].mean())


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

    def drawn(at: np.ndarray) -> float:
        return measures.f1(*counts[at].sum(axis=0).tolist())

    return {
        "claims": len(rows),
        "precision": round(right / max(1, said), 4),
        "recall": round(right / max(1, wanted), 4),
        "f1": round(measures.f1(right, said, wanted), 4),
        "f1_interval": measures.interval(groups[rows], drawn, draws, seed),
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
