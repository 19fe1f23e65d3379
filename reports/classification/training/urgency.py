"""An urgency from text, fitted against votes of residents: the nearest truth, for no set has a severity.

Votes say how many care, not how dangerous a thing is. Each city counts differently, so a vote is its rank in its city.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from reports.classification.linear import LinearModel
from reports.classification.training.measures import ranks
from reports.classification.training.samples import Sample, groups
from reports.classification.training.terms import Terms

PENALTY = 20.0
STEPS = 21  # of the scale from score to share
TOP = 0.8  # the fifth with the most votes


def fit_on(
    sets: Any, model: LinearModel, *, folds: int, seed: int
) -> tuple[np.ndarray, dict[str, Any]]:  # fmt: skip
    """Weights of the model's terms with the bias last; figures on unseen texts, and the scale of the scores."""
    rows = [one for samples in sets.values() for one in samples if one.votes is not None and (one.text or one.title)]
    city = np.array([one.city for one in rows])
    wanted = np.empty(len(rows))
    for name in np.unique(city):
        wanted[city == name] = ranks([one.votes or 0 for one in rows if one.city == name])
    terms = Terms({term: place for place, term in enumerate(model.terms)}, model.values.astype(np.float64))
    texts = terms.matrix([told(one) for one in rows])
    unseen = np.empty(len(rows))
    for learned, left in GroupKFold(folds).split(texts, wanted, groups(rows)):
        unseen[left] = _fitted(texts[learned], wanted[learned], seed).predict(texts[left])
    whole = _fitted(texts, wanted, seed)
    shares = np.linspace(0, 1, STEPS)
    scale = {"scores": np.quantile(unseen, shares).round(5).tolist(), "shares": shares.round(3).tolist()}
    figures = {name: figures_of(unseen[city == name], wanted[city == name]) for name in np.unique(city).tolist()}
    return np.append(whole.coef_, whole.intercept_), {"figures": figures, "scale": scale}


def told(sample: Sample) -> str:
    return sample.text or sample.title


def figures_of(scores: Sequence[float], wanted: Sequence[float]) -> dict[str, Any]:
    """auc: of telling the fifth with the most votes from the rest."""
    top = np.asarray(wanted) >= TOP
    auc = float(roc_auc_score(top, scores)) if 0 < top.sum() < len(top) else None
    return {
        "texts": len(top),
        "rank_correlation": round(float(spearmanr(scores, wanted).statistic), 3),
        "most_voted": int(top.sum()),
        "auc": None if auc is None else round(auc, 3),
    }


def _fitted(texts: Any, wanted: Any, seed: int) -> Ridge:
    return Ridge(PENALTY, solver="sparse_cg", random_state=seed, max_iter=200).fit(texts, wanted)
