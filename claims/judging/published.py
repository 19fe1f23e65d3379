"""The published models, each checked against its hash. CLAIM_JUDGE names the one that is used."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from django.conf import settings

from base.artifacts import ArtifactError
from claims.judging.reader import Reader

FOLDER = Path(__file__).parent / "artifacts"


def reader(version: str = "") -> Reader:
    """The model of a version; without one, that of the setting. Raises ArtifactError."""
    return _loaded(version or settings.CLAIM_JUDGE)


@functools.lru_cache(maxsize=2)
def _loaded(version: str) -> Reader:
    from claims.judging.artifact import load

    return load(path_of(version))


def path_of(version: str) -> Path:
    """A version of this release, or a file of one's own if it ends in .json. Raises ArtifactError."""

    path = Path(version) if version.endswith(".json") else FOLDER / f"judge-{version}.json"
    if not path.is_file():
        raise ArtifactError(f"there is no judge {version}")
    return path


def model_versions() -> dict[str, dict[str, str]]:
    """Version and SHA-256 of what has a part in a verdict, by its role."""
    about = reader().about
    return {role: {"version": about["version"], "sha256": found} for role, found in about["parts"].items()}


def versions() -> list[str]:
    """Those of this release, oldest first."""
    found = sorted(FOLDER.glob("judge-*.npz"), key=lambda path: (len(path.name), path.name))
    return [path.stem.removeprefix("judge-") for path in found]


def report_of(version: str) -> dict[str, Any]:
    """How the version did on claims it had not seen; empty when no report came with it."""
    path = path_of(version).with_suffix(".report.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
