"""A trained model in two files: one to read, with its hashes and how it was made, and one with the numbers.

Nothing in them is run: the numbers are plain arrays, and a file that is not what the hash says is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from base.artifacts import ArtifactError, read_pair, sealed
from claims.judging import gathering
from claims.judging.forest import Forest
from claims.judging.reader import Linear, Polarity, Reader, Verdicts
from claims.reading import pairs, turns
from claims.reading.lexicon import Lexicon
from claims.retrieval import documents

FORMAT = 1
INPUTS = {"documents": documents.FEATURES, "sentences": pairs.FEATURES, "verdict": gathering.FEATURES}
Arrays = Mapping[str, NDArray[Any]]


def described(about: Mapping[str, Any], arrays: Arrays, numbers: bytes) -> dict[str, Any]:
    """The readable file, with the hash of each part and of all."""
    body = {
        "format": FORMAT,
        **about,
        "inputs": {name: list(found) for name, found in INPUTS.items()},
        "parts": {
            "ranker": part_hash(arrays, "documents", "evidence"),
            "judge": part_hash(arrays, "polarity", "verdict"),
        },
    }
    return sealed(body, numbers)


def part_hash(arrays: Arrays, *parts: str) -> str:
    """Of the numbers of some parts and of the words, which all parts share."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if name.split("_")[0] in (*parts, "words"):
            digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def load(path: Path) -> Reader:
    """path: the readable file; the numbers are beside it, ending in .npz. Raises ArtifactError."""
    about, arrays = read_pair(path, form=FORMAT)
    if about["inputs"] != {name: list(found) for name, found in INPUTS.items()}:
        raise ArtifactError(f"{path.name} asks for other inputs than this release finds")
    try:
        return reader_of(arrays, about)
    except (KeyError, ValueError, TypeError, IndexError, UnicodeDecodeError) as error:
        raise ArtifactError(f"the model is not whole: {error}") from error


def reader_of(arrays: Arrays, about: Mapping[str, Any]) -> Reader:
    """Raises KeyError or ValueError for arrays that are not a model."""
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("a number is not finite")
    lexicon = lexicon_of(arrays)
    polarity, verdict = arrays["polarity_mix"].tolist(), arrays["verdict_numbers"].tolist()
    turned = arrays["polarity_turns"].astype(np.float32)
    if turned.shape != (turns.SLOTS,) or len(arrays["documents_mean"]) != len(documents.FEATURES):
        raise ValueError("an array has the wrong shape")
    return Reader(
        lexicon=lexicon,
        documents=Linear(
            arrays["documents_mean"], arrays["documents_scale"], arrays["documents_weights"],
            float(arrays["documents_bias"][0]),
        ),
        evidence=_forest(arrays, "evidence", len(pairs.FEATURES)),
        polarity=Polarity(
            turns=turned, turns_bias=polarity[0], of_turns=polarity[1], of_forest=polarity[2], bias=polarity[3],
            forest=_forest(arrays, "polarity", len(pairs.FEATURES)),
        ),
        verdicts=Verdicts(
            forest=_forest(arrays, "verdict", len(gathering.FEATURES)), slope=verdict[0], disputed=verdict[1],
            offsets=arrays["verdict_offsets"], leaning=arrays["verdict_leaning"],
            said=arrays["verdict_line_said"], right=arrays["verdict_line_right"],
        ),
        about=about,
    )  # fmt: skip


def _forest(arrays: Arrays, part: str, inputs: int) -> Forest:
    names = ("roots", "feature", "threshold", "left", "right", "value")
    return Forest.read({name: arrays[f"{part}_{name}"] for name in names}, inputs)


def lexicon_of(arrays: Arrays) -> Lexicon:
    stems = tuple(arrays["words_stems"].tobytes().decode().split("\n"))
    vectors = arrays["words_vectors"].astype(np.float32)
    if len(vectors) != len(stems) or len(arrays["words_rarity"]) != len(stems):
        raise ValueError("words differ in number")
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    whole = np.vstack([vectors, np.zeros((1, vectors.shape[1]), np.float32)])
    return Lexicon(stems, arrays["words_rarity"].astype(np.float32), whole, float(arrays["words_unknown"][0]))
