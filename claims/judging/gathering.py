"""What all sentences say of a claim together, as numbers. The order of the sentences does not matter. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims.reading import pairs

SAID = (
    "best", "mean_of_three", "sum", "polarity_of_best", "polarity", "polarity_of_three", "polarity_of_all", "highest",
    "lowest", "support", "support_of_three", "refutation", "refutation_of_three", "leaning", "leaning_of_three",
    "disagreement", "turned", "sentences", "document",
)  # fmt: skip
FEATURES = (
    *SAID, "covered",
    *(f"{name} of best" for name in pairs.FEATURES),
    *(f"mean {name}" for name in pairs.FEATURES),
    *(f"most {name}" for name in pairs.FEATURES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """Sentences as columns. evidence: chance to be evidence. polarity: log-odds to support. documents: chance that the
    sentence's document bears on the claim. covered: the share of the claim that they say together."""

    evidence: NDArray[np.float32]
    polarity: NDArray[np.float32]
    turned: NDArray[np.float32]
    documents: NDArray[np.float32]
    rows: NDArray[np.float32]
    covered: float

    @property
    def weight(self) -> NDArray[np.float32]:
        return self.evidence * self.documents


def gather(said: Weighed) -> NDArray[np.float32]:
    """The numbers of FEATURES, for one sentence or more."""
    weight = said.weight
    place = np.lexsort((said.polarity, -weight))
    weight, z, rows = weight[place], said.polarity[place], said.rows[place]
    supports = 1 / (1 + np.exp(-z))
    share = weight**2 / max(1e-9, float((weight**2).sum()))
    for_it, against = np.sort(weight * supports)[::-1], np.sort(weight * (1 - supports))[::-1]
    mean = float(share @ z)
    told = [
        weight[0], weight[:3].mean(), weight.sum(), z[0], mean, z[:3].mean(), z.mean(), z.max(), z.min(),
        for_it[0], for_it[:3].mean(), against[0], against[:3].mean(), for_it[0] - against[0],
        for_it[:3].mean() - against[:3].mean(), float(share @ (z - mean) ** 2) ** 0.5,
        float(share @ said.turned[place]), np.log(len(z)), said.documents.max(), said.covered,
    ]  # fmt: skip
    return np.concatenate([np.array(told), rows[0], share @ rows, rows.max(axis=0)]).astype(np.float32)
