"""How right guesses are, how honest their probabilities, and how sure one may be of both figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 15
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MOST_CONFUSED = 12


@dataclass(frozen=True, slots=True)
class Judged:
    """Guesses for texts the model had not seen. truth, guess: places in `classes`. groups: resampled as a whole."""

    classes: tuple[str, ...]
    truth: np.ndarray
    guess: np.ndarray
    chance: np.ndarray
    groups: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return self.truth == self.guess

    def take(self, rows: np.ndarray) -> Judged:
        return Judged(self.classes, self.truth[rows], self.guess[rows], self.chance[rows], self.groups[rows])


def accuracy(judged: Judged) -> float:
    return float(judged.right.mean())


def macro_f1(judged: Judged) -> float:
    """The mean of the classes' F1; a class that only a guess has counts as 0."""
    count = len(judged.classes)
    both = np.bincount(judged.truth[judged.right], minlength=count)
    either = np.bincount(judged.truth, minlength=count) + np.bincount(judged.guess, minlength=count)
    return float((2 * both[either > 0] / either[either > 0]).mean())


def calibration_error(judged: Judged) -> float:
    """Mean distance between probability and share of right guesses, over bins of equal width."""
    return sum(row["share"] * abs(row["said"] - row["right"]) for row in reliability(judged))


def best_share(judged: Judged, share: float = 0.7) -> float:
    """Accuracy of the guesses made with the greatest probabilities."""
    first = np.argsort(-judged.chance, kind="stable")[: max(1, int(share * len(judged.chance)))]
    return float(judged.right[first].mean())


FIGURES: Mapping[str, Callable[[Judged], float]] = {
    "accuracy": accuracy, "macro_f1": macro_f1, "calibration_error": calibration_error, "best_70": best_share,
}  # fmt: skip


def reliability(judged: Judged) -> list[dict[str, float]]:
    bins = np.clip((judged.chance * BINS).astype(int), 0, BINS - 1)
    return [
        {
            "share": round(float(inside.mean()), 5),
            "said": round(float(judged.chance[inside].mean()), 5),
            "right": round(float(judged.right[inside].mean()), 5),
        }
        for number in range(BINS)
        if (inside := bins == number).any()
    ]


def measure(judged: Judged, *, draws: int = 200, seed: int = 1) -> dict[str, Any]:
    """Every figure with the interval that holds 95 % of resamplings of groups, and the tables behind it."""
    found = {name: round(figure(judged), 4) for name, figure in FIGURES.items()}
    return {
        "texts": len(judged.truth),
        **found,
        "intervals": intervals(judged, draws, seed),
        "classes": by_class(judged),
        "confused": confused(judged),
        "reliability": reliability(judged),
        "coverage": [[share, round(best_share(judged, share), 4)] for share in SHARES],
    }


def intervals(judged: Judged, draws: int, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    _, places = np.unique(judged.groups, return_inverse=True)
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(places.max() + 2))
    found: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(draws):
        drawn = rng.integers(0, len(starts) - 1, len(starts) - 1)
        again = judged.take(np.concatenate([order[starts[one] : starts[one + 1]] for one in drawn]))
        for name, figure in FIGURES.items():
            found[name].append(figure(again))
    return {name: [round(float(edge), 4) for edge in np.quantile(values, (0.025, 0.975))]
            for name, values in found.items()} if draws else {}  # fmt: skip


def by_class(judged: Judged) -> list[dict[str, Any]]:
    rows = []
    for place, name in enumerate(judged.classes):
        true, said = judged.truth == place, judged.guess == place
        both = int((true & said).sum())
        precision, recall = both / max(1, said.sum()), both / max(1, true.sum())
        f1 = 2 * precision * recall / (precision + recall) if both else 0.0
        figures = {"precision": precision, "recall": recall, "f1": f1}
        rows.append({"class": name, "texts": int(true.sum())} | {key: round(float(x), 3) for key, x in figures.items()})
    return sorted(rows, key=lambda row: -row["texts"])


def confused(judged: Judged) -> list[list[Any]]:
    """[what it is, what it was taken for, texts], the most frequent first."""
    pairs, counts = np.unique(
        np.stack([judged.truth, judged.guess])[:, ~judged.right], axis=1, return_counts=True
    )  # fmt: skip
    order = np.argsort(-counts, kind="stable")[:MOST_CONFUSED]
    return [[judged.classes[pairs[0, at]], judged.classes[pairs[1, at]], int(counts[at])] for at in order]


def threshold_for(judged: Judged, wanted: float) -> float:
    """The least probability from which on guesses are right that often; 1 if none is."""
    steps, places = np.unique(-judged.chance, return_inverse=True)  # what seems as likely goes together
    counts, right = np.bincount(places), np.bincount(places, judged.right)
    enough = np.flatnonzero(np.cumsum(right) / np.cumsum(counts) >= wanted)
    return float(-steps[enough[-1]]) if len(enough) else 1.0


def ranks(values: Sequence[float]) -> np.ndarray:
    """Shares below, ties in the middle."""
    order = np.sort(np.asarray(values))
    low, high = np.searchsorted(order, values, "left"), np.searchsorted(order, values, "right")
    return (low + high) / 2 / max(1, len(order))
