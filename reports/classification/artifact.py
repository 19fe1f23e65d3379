"""A trained model in two files: one to read, with its hash and how it was made, and one with the numbers.

Nothing in them is run: the numbers are plain arrays, and a file that is not what the hash says is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reports.classification.linear import LinearModel

FORMAT = 1
LARGEST = 20_000_000  # bytes of a file, unpacked too
ARRAYS = {"terms", "values", "weights", "bias", "offsets", "urgency"}


class ArtifactError(ValueError):
    """The files are missing, changed, or not what this version reads."""


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
    into = io.BytesIO()
    np.savez_compressed(
        into,
        terms=np.frombuffer("\n".join(model.terms).encode(), np.uint8),
        values=model.values.astype(np.float32),
        weights=model.weights.astype(np.float16),
        bias=model.bias.astype(np.float32),
        offsets=model.offsets.astype(np.float32),
        urgency=urgency.astype(np.float32),
    )
    return into.getvalue()


def described(about: Mapping[str, Any], model: LinearModel, numbers: bytes) -> dict[str, Any]:
    """The readable file, with both hashes."""
    body = {
        "format": FORMAT,
        **about,
        "classes": list(model.classes),
        "slope": model.slope,
        "numbers_sha256": hashlib.sha256(numbers).hexdigest(),
    }
    return {"sha256": content_hash(body)} | body


def content_hash(about: Mapping[str, Any]) -> str:
    """Of everything but the hash itself, in one order."""
    body = {name: value for name, value in about.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load(path: Path) -> Classifier:
    """path: the readable file; the numbers are beside it, ending in .npz. Raises ArtifactError."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        numbers = path.with_suffix(".npz").read_bytes()
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ArtifactError(f"{path.name} is not of format {FORMAT}")
    if about.get("sha256") != content_hash(about) or len(numbers) > LARGEST:
        raise ArtifactError(f"{path.name} was changed: its hash does not fit")
    if about["numbers_sha256"] != hashlib.sha256(numbers).hexdigest():
        raise ArtifactError(f"{path.with_suffix('.npz').name} is not the one that {path.name} names")
    return _classifier(about, numbers)


def _classifier(about: Mapping[str, Any], numbers: bytes) -> Classifier:
    try:
        with np.load(io.BytesIO(numbers), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
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
