"""The published scorecards, each a file that is checked against its hash; old ones stay for their decisions."""

from __future__ import annotations

import functools
from pathlib import Path

from base.artifacts import ArtifactError
from loans.scorecard import Scorecard

FOLDER = Path(__file__).parent / "artifacts"
CURRENT = "v2"


class UnknownScorecard(LookupError):
    """No published card has this hash."""


def scorecard(version: str = CURRENT) -> Scorecard:
    """The card of a version; the current one decides. Raises ArtifactError."""
    return _loaded(version)


def versions() -> list[str]:
    """Of all published cards."""
    names = [path.name for path in FOLDER.glob("scorecard-*.json") if not path.name.endswith(".report.json")]
    return sorted(name.removeprefix("scorecard-").removesuffix(".json") for name in names)


@functools.cache
def _loaded(version: str) -> Scorecard:
    path = FOLDER / f"scorecard-{version}.json"
    if not path.is_file():
        raise ArtifactError(f"{path} is not there")
    return Scorecard.load(path)


@functools.cache
def scorecard_by_sha256(sha256: str) -> Scorecard:
    """The card that a stored decision names, to score it again. Raises UnknownScorecard."""
    for version in versions():
        found = scorecard(version)
        if found.sha256 == sha256:
            return found
    raise UnknownScorecard(f"no published scorecard has the hash {sha256}")
