"""The classifier that is shipped: the product's categories, from the texts of all cities and from reviewers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from reports.categories import CATEGORIES, OTHER
from reports.classification.artifact import Classifier, described, packed
from reports.classification.training import urgency
from reports.classification.training.fitting import Lesson, Recipe, TooFewTexts, Vectors, calibrated, certainty, fit
from reports.classification.training.measures import Judged, measure, threshold_for
from reports.classification.training.samples import Sample, holder
from reports.classification.training.trials import BOSTON_COARSE, TITLE_ELSEWHERE, Sets, boston_texts
from reports.classification.training.validation import Trial, folded
from reports.classification.training.wording import coarse_of

CODES = [one.code for one in CATEGORIES]
WANTED = 0.9  # share of right guesses among those that set the category without a person
BOSTON_TEXTS = 1500  # of each type
CORRECTED = 3.0  # how much a reviewer's word counts beside a row of the public sets
LEAST_HOLDERS, CITIES = 5, 2  # places or people, and their cities, whose texts a term must be in: nobody's name is one
ATLANTA_CODES = {
    "Roadway": "road_surface", "Garbage": "sanitation", "Dumping": "sanitation", "Cleanup": "sanitation",
    "Traffic": "signal_sign", "Signage": "signal_sign", "Vegetation": "tree", "Drainage": "water_sewer",
    "Sidewalk": "sidewalk", "Lighting": "street_light", "Delapidated": "building", "Animal": "animals_health",
    "Parking": "vehicle_parking", "Parks": "parks", "Illegal_sign": "graffiti", "Billing": OTHER, "Other": OTHER,
    "Utilities": OTHER,
}  # fmt: skip
OTHER_TITLES = ("other", "billing", "general bus", "lead kit", "public complaint")


@dataclass(frozen=True, slots=True)
class Made:
    classifier: Classifier
    numbers: bytes
    report: dict[str, Any]


def code_of(sample: Sample) -> str | None:
    """The product's category of a row: Atlanta's by hand, elsewhere what the request type says; None: not clear."""
    if sample.fine in ATLANTA_CODES:
        return ATLANTA_CODES[sample.fine]
    if sample.city == "atlanta":
        return coarse_of(sample.title)
    title = sample.title.lower()
    if title.startswith(OTHER_TITLES):
        return OTHER
    return None if "public space" in title else coarse_of(sample.title)


def trial_of(sets: Sets, corrected: Sequence[Lesson], without: frozenset[str], seed: int) -> Trial:
    """Three cities to be judged on, with Boston and reviewers' corrections to learn from besides."""
    rows = [one for name in ("newhaven_scf", "publicstuff_nyc", "atlanta_scf") for one in sets.get(name, ())]
    titles = {(one.title, code): holder(one) for one in rows if (code := code_of(one))}
    besides = [Lesson(title, code, TITLE_ELSEWHERE, holder=whose) for (title, code), whose in titles.items()]
    for kind, code in BOSTON_COARSE.items():
        texts = boston_texts(sets, (kind,), BOSTON_TEXTS, seed)
        besides += [Lesson(one.text, code, 0.5, holder=holder(one)) for one in texts]
    besides += [Lesson(one.name + ". " + one.description, one.code, holder=("ours", one.code)) for one in CATEGORIES]
    return Trial(
        name="product", title="The product's categories, three cities", label=code_of, besides=[*besides, *corrected],
        samples=[one for one in rows if one.text and code_of(one)], reference={},
        teach=lambda samples: [Lesson(one.text, str(code_of(one)), holder=holder(one)) for one in samples],
        recipe=Recipe(strength=0.1, word_in=LEAST_HOLDERS, piece_in=LEAST_HOLDERS, cities=CITIES, without=without),
        notes=["Guessed from the description alone: the title in these sets is the request type, which the labels "
               "were made from."],
    )  # fmt: skip


def make(
    sets: Sets,
    vectors: Vectors,
    *,
    version: str,
    created_on: date,
    corrected: Sequence[Lesson] = (),
    without: frozenset[str] = frozenset(),
    folds: int = 5,
    seed: int = 1,
    draws: int = 200,
    data: Mapping[str, str] | None = None,
) -> Made:
    """Fit on everything, calibrate on texts left out in turn, and publish with a threshold. Raises TooFewTexts."""
    trial = trial_of(sets, corrected, without, seed)
    if len(trial.samples) < folds * 2:
        raise TooFewTexts("Too few texts with a category to judge a classifier by")
    out = folded(trial, vectors, folds=folds, seed=seed)
    judged = out.judged(trial.lean)
    whole = fit([*trial.teach(trial.samples), *trial.besides], trial.recipe, vectors)
    unseen = np.full((len(out.truth), len(whole.classes)), -9, np.float32)
    unseen[:, [whole.classes.index(one) for one in out.classes]] = out.scores
    model = calibrated(whole, unseen, [out.classes[place] for place in out.truth], shares=False)
    guess, seems = out.guesses(trial.lean)
    said, shares = certainty(seems, guess == out.truth)
    voices, votes = urgency.fit_on(sets, model, folds=folds, seed=seed)
    threshold = math.ceil(1e4 * threshold_for(judged, WANTED)) / 1e4
    numbers = packed(model, voices)
    about = described(
        {
            "version": version,
            "created_on": created_on.isoformat(),
            "threshold": threshold,
            "wanted_accuracy": WANTED,
            "certainty": {"said": said.round(5).tolist(), "right": shares.round(5).tolist()},
            "urgency": votes["scale"],
            "training": {
                "texts": len(trial.samples) + len(trial.besides),
                "corrections": len(corrected),
                "terms": len(model.terms),
                "data_sha256": dict(data or {}),
                "code_sha256": code_digest(),
                "seed": seed,
            },
        },
        model,
        numbers,
    )
    report = {**measure(judged, draws=draws), **sure_part(judged, threshold), "votes": votes["figures"]}
    return Made(Classifier(model, voices, about), numbers, {"trial": "product", "title": trial.title,
                "notes": list(trial.notes), "reference": {}, **report})  # fmt: skip


def sure_part(judged: Judged, threshold: float) -> dict[str, Any]:
    """What is set without a person: how much of all, and how much of it is right."""
    sure = judged.chance >= threshold
    right = float(judged.right[sure].mean()) if sure.any() else 0.0
    return {"threshold": threshold, "sure": round(float(sure.mean()), 4), "sure_right": round(right, 4)}


def code_digest() -> str:
    """Of the modules that make and run the model."""
    folder = Path(__file__).parent
    whole = hashlib.sha256()
    for path in [
        *sorted(folder.glob("*.py")),
        *folder.glob("*.txt"),
        folder.parent / "text.py",
        folder.parent / "linear.py",
    ]:
        whole.update(path.read_bytes())
    return whole.hexdigest()
