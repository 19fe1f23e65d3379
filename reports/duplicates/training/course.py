"""The whole course: fit on a part, judge on what was kept apart by place and by time, and fit anew on everything."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.duplicates import finder, pairs, sketch, trees
from reports.duplicates.finder import Finder
from reports.duplicates.training import boston, examples, fitting, measures
from reports.duplicates.training.boston import City, Ints
from reports.duplicates.training.fitting import Settings

CODE = [Path(str(module.__file__)) for module in (sketch, pairs, trees, finder, boston, examples, fitting, measures)]
APART = 5
LATER = 0.75
NOTES = [
    "Kept apart by place: one in five of the grid cells of about 100 m, by hash; cells that a pair ties together stay "
    "together. Kept apart by time: what arrived after three quarters of the duplicates.",
    "What staff named is searched for among earlier reports within 300 m and 365 days; of all that were named, some "
    "are later, farther or older, so no search of this kind finds them.",
    "Staff do not mark every duplicate, so precision is a lower bound. Notes of the staff and the status of the later "
    "report are not read. Whether an earlier report was open at that moment comes from when it was closed, for which "
    "its last update stands; a report closed and then updated would count as open for too long.",
]


def train(
    city: City, settings: Settings, *, version: str, created_on: date, seed: int, say: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Artifact and report. Raises TooFewDuplicates."""
    rows, stands_for = examples.sampled(city, settings.others, seed)
    apart = boston.part(city.group, APART, "apart") == 0
    last = float(np.quantile(city.arrived[city.duplicate], LATER)) if city.duplicate.any() else 0.0
    later = city.arrived > last
    weights = fitting.word_weights(city, ~apart & ~later)
    say(f"{len(city)} reports; comparing {len(rows)} of them with what was near")
    found = examples.examples(city, rows, weights)

    def fitted(learn: NDArray[np.bool_]) -> dict[str, Any]:
        return fitting.fit(city, found, stands_for, weights, learn[rows], settings, version=version,
                           created_on=created_on, seed=seed)  # fmt: skip

    def judged(artifact: dict[str, Any], chosen: Ints, searched: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        asked = [found.questions[place] for place in chosen]
        if searched is not None:
            asked = list(examples.questions(city, rows[chosen], searched))
        seen = measures.judge(Finder.from_artifact(artifact), city, rows[chosen], asked, stands_for[chosen])
        return measures.figures(seen, seed)

    unseen = np.flatnonzero(apart[rows])
    by_place = fitted(~apart)
    say("judging what was kept apart")
    figures = {"by_place": judged(by_place, unseen), "by_place_searched_alone": judged(by_place, unseen, apart)}
    figures["by_time"] = judged(fitted(~later), np.flatnonzero(later[rows]))
    artifact = fitted(np.ones(len(city), dtype=bool))
    return artifact, {
        "version": version,
        "sha256": artifact["sha256"],
        "created_on": created_on.isoformat(),
        "later_from": datetime.fromtimestamp(last, UTC).date().isoformat(),
        "notes": NOTES,
        "reference": measures.REFERENCE,
        "suggest_from": settings.suggest_from,
        "figures": figures,
        "training": {
            "reports": len(city),
            "duplicates": int(city.duplicate.sum()),
            "duplicates_with_original": int(sum(map(bool, city.originals))),
            "compared": len(rows),
            "pairs": len(found.of),
            "data_sha256": city.sha256,
            "code_sha256": code_sha256(),
            "seed": seed,
            "settings": {name: getattr(settings, name) for name in Settings.__slots__},
            "libraries": {"python": sys.version.split()[0]}
            | {name: installed(name) for name in ("numpy", "scipy", "scikit-learn")},
        },
    }


def code_sha256() -> str:
    """Of the modules that read, compare, fit and judge."""
    digest = hashlib.sha256()
    for path in CODE:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
