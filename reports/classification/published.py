"""The published classifiers, each checked against its hash. REPORT_CLASSIFIER names the one that is used."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from django.conf import settings

from base.artifacts import ArtifactError
from reports.classification.artifact import Classifier, load

FOLDER = Path(__file__).parent / "artifacts"


def classifier(version: str = "") -> Classifier:
    """The classifier of a version; without one, that of the setting. Raises ArtifactError."""
    return _loaded(version or settings.REPORT_CLASSIFIER)


@functools.lru_cache(maxsize=4)
def _loaded(version: str) -> Classifier:
    return load(path_of(version))


def path_of(version: str) -> Path:
    """A version of this release, or a file of one's own if it ends in .json. Raises ArtifactError."""
    path = Path(version) if version.endswith(".json") else FOLDER / f"classifier-{version}.json"
    if not path.is_file():
        raise ArtifactError(f"there is no classifier {version}")
    return path


def versions() -> list[str]:
    """Those of this release, oldest first."""
    found = sorted(FOLDER.glob("classifier-*.npz"), key=lambda path: (len(path.name), path.name))
    return [path.stem.removeprefix("classifier-") for path in found]


def report_of(version: str) -> dict[str, Any]:
    """How the version did on texts it had not seen; empty when no report came with it."""
    path = path_of(version).with_suffix(".report.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
