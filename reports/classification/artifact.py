"""A trained model in two files: one to read, with its hash and how it was made, and one with the numbers.

Nothing in them is run: the numbers are plain arrays, and a file that is not what the hash says is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from base import artifacts
from base.artifacts import ArtifactError, read_pair, sealed
from reports.classification.linear import LinearModel

FORMAT = 1


@dataclass(frozen=True)
class Classifier:
    """about: what the readable file says. urgency: what each term adds to the urgency score, then its bias."""

    model: LinearModel
    urgency: np.ndarray
    about: Mapping[str, Any]

    @property
    def version(self) -> str:
        return str(self.about["version"])

    @property
    def sha256(self) -> str:
        return str(self.about["sha256"])

    @property
    def threshold(self) -> float:
        """From this probability on the category is set without a person."""
        return float(self.about["threshold"])

    @cached_property
    def whole(self) -> LinearModel:
        """All scores at one go: those of the classes, and urgency last."""
        weights = np.hstack([self.model.weights, self.urgency[:-1, None]])
        bias = np.append(self.model.bias, self.urgency[-1])
        return replace(self.model, classes=(*self.model.classes, "urgency"), weights=weights, bias=bias)


def packed(model: LinearModel, urgency: np.ndarray) -> bytes:
    """The numbers as an .npz of plain arrays."""
    return artifacts.packed(
        {
            "terms": np.frombuffer("\n".join(model.terms).encode(), np.uint8),
            "values": model.values.astype(np.float32),
            "weights": model.weights.astype(np.float16),
            "bias": model.bias.astype(np.float32),
            "offsets": model.offsets.astype(np.float32),
            "urgency": urgency.astype(np.float32),
        }
    )


def described(about: Mapping[str, Any], model: LinearModel, numbers: bytes) -> dict[str, Any]:
    """The readable file, with both hashes."""
    body = {
        "format": FORMAT,
        **about,
        "classes": list(model.classes),
        "slope": model.slope,
    }
    return sealed(body, numbers)


def load(path: Path) -> Classifier:
    """path: the readable file; the numbers are beside it, ending in .npz. Raises ArtifactError."""
    about, arrays = read_pair(path, form=FORMAT)
    return _classifier(about, arrays)


def _classifier(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Classifier:
    try:
        terms = tuple(arrays["terms"].tobytes().decode().split("\n"))
        classes = tuple(about["classes"])
        shapes = {
            "values": (len(terms),),
            "weights": (len(terms), len(classes)),
            "bias": (len(classes),),
            "offsets": (len(classes),),
            "urgency": (len(terms) + 1,),
        }
        if any(arrays[name].shape != shape or not np.isfinite(arrays[name]).all() for name, shape in shapes.items()):
            raise ValueError("an array has the wrong shape or a number is missing")
        model = LinearModel(
            classes, terms, arrays["values"], arrays["weights"].astype(np.float32), arrays["bias"],
            float(about["slope"]), arrays["offsets"],
        )  # fmt: skip
        return Classifier(model, arrays["urgency"].astype(np.float32), about)
    except (KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"the model is not whole: {error}") from error
