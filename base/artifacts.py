"""Trained models as files that are never run: readable JSON, and beside it plain arrays where there are many numbers.

Both are protected by hashes, so a file that was changed, cut or swapped is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LARGEST = 20_000_000  # bytes of the numbers


class ArtifactError(ValueError):
    """The files are missing, changed, or not what this version reads."""


def content_hash(artifact: Mapping[str, Any]) -> str:
    """SHA-256 of the artifact without its own hash, as canonical JSON."""
    content = {key: value for key, value in artifact.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The numbers as an .npz of plain arrays."""
    import numpy as np

    into = io.BytesIO()
    np.savez_compressed(into, allow_pickle=False, **arrays)
    return into.getvalue()


def sealed(about: Mapping[str, Any], numbers: bytes) -> dict[str, Any]:
    """The readable file of these numbers, with the hash of both."""
    body = {**about, "numbers_sha256": hashlib.sha256(numbers).hexdigest()}
    return {"sha256": content_hash(body)} | body


def read_pair(path: Path, *, form: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a readable file says, and the arrays beside it (.npz). Raises ArtifactError; `form` is its `format`."""
    import numpy as np

    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        numbers = path.with_suffix(".npz").read_bytes()
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(about, dict) or about.get("format") != form:
        raise ArtifactError(f"{path.name} is not of format {form}")
    if about.get("sha256") != content_hash(about) or len(numbers) > LARGEST:
        raise ArtifactError(f"{path.name} was changed: its hash does not fit")
    if about.get("numbers_sha256") != hashlib.sha256(numbers).hexdigest():
        raise ArtifactError(f"{path.with_suffix('.npz').name} is not the one that {path.name} names")
    try:
        with np.load(io.BytesIO(numbers), allow_pickle=False) as file:
            return about, {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError) as error:
        raise ArtifactError(f"the model is not whole: {error}") from error
