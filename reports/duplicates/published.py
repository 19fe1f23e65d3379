"""The published finders of duplicates, each a file that is checked against its hash."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from base.artifacts import ArtifactError
from reports.duplicates.finder import Finder

FOLDER = Path(__file__).parents[1] / "artifacts"
CURRENT = "v1"


@functools.cache
def finder(version: str = CURRENT) -> Finder:
    """Raises ArtifactError."""
    path = FOLDER / f"duplicates-{version}.json"
    if not path.is_file():
        raise ArtifactError(f"there is no {path.name}")
    try:
        return Finder.from_artifact(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path.name} cannot be read: {error}") from error
