"""A whole training: word vectors, the questions of the public sets, the classifier that is shipped, the report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from reports.classification.training import product, samples, trials
from reports.classification.training.fitting import Lesson
from reports.classification.training.measures import Judged, measure
from reports.classification.training.names import names_in
from reports.classification.training.validation import Trial, cross_validated, held_out, transferred
from reports.classification.training.vectors import word_vectors

VECTOR_TEXTS = 150_000
BOSTON_LEARNED, BOSTON_JUDGED = 45_000, 15_000
QUESTIONS = ("atlanta", "cities", "boston", "transfer")
NEEDED = {
    "atlanta": {"atlanta_scf"},
    "cities": {"atlanta_scf", "newhaven_scf", "publicstuff_nyc"},
    "boston": {"boston311"},
    "transfer": {"atlanta_scf", "newhaven_scf"},
}


def train(
    folder: Path,
    *,
    version: str,
    created_on: date,
    corrected: Sequence[Lesson] = (),
    questions: Collection[str] = QUESTIONS,
    folds: int = 5,
    seed: int = 20261122,
    draws: int = 200,
    say: Callable[[str], Any] = print,
) -> Iterator[tuple[product.Made, dict[str, Any]]]:
    """The classifier and its report, again after each further question, so that a stopped run leaves what it found.

    Questions whose sets are not in the folder are left out. Raises TooFewTexts.
    """
    sets = samples.read(folder)
    texts = trials.unlabelled(sets, VECTOR_TEXTS, seed)
    names = names_in(one.text for one in texts)
    vectors = word_vectors(texts, without=names, seed=seed % 2**31)
    say(f"{len(vectors)} word vectors")
    made = product.make(
        sets, vectors, version=version, created_on=created_on, corrected=corrected, without=names, folds=folds,
        seed=seed, draws=draws, data=samples.digest(folder),
    )  # fmt: skip
    say(line(made.report))
    about, votes, found = made.classifier.about, made.report.pop("votes"), [made.report]
    head = {name: about[name] for name in ("version", "sha256", "created_on", "training")}
    yield made, head | {"trials": found, "votes": votes}
    asked = [name for name in questions if sets.keys() >= NEEDED[name]]
    for trial, judge in judges(sets, vectors, asked, folds=folds, seed=seed):
        one = {"trial": trial.name, "title": trial.title, "notes": list(trial.notes), "reference": trial.reference}
        found.append(one | measure(judge(), draws=draws))
        say(line(found[-1]))
        yield made, head | {"trials": found, "votes": votes}


def judges(
    sets: trials.Sets, vectors: Any, asked: Collection[str], *, folds: int, seed: int
) -> list[tuple[Trial, Callable[[], Judged]]]:
    """Each question with how to answer it."""
    inside = [
        *(trials.atlanta(sets, seed) if "atlanta" in asked else []),
        *(trials.cities(sets, seed) if "cities" in asked else []),
    ]
    found: list[tuple[Trial, Callable[[], Judged]]] = [
        (one, partial(cross_validated, one, vectors, folds=folds, seed=seed)) for one in inside
    ]
    if "transfer" in asked:
        trial, unseen = trials.transfer(sets)
        found.append((trial, partial(transferred, trial, unseen, vectors, folds=folds, seed=seed)))
    for one in map(trials.by_place, [one for one in inside if one.name == "three_cities"]):
        found.append((one, partial(cross_validated, one, vectors, folds=folds, seed=seed)))
    large = trials.boston(sets) if "boston" in asked else []
    for one in [*large, *map(trials.by_place, large[:1])]:
        found.append((one, partial(held_out, one, vectors, seed=seed, most=(BOSTON_LEARNED, BOSTON_JUDGED))))
    return found


def line(one: dict[str, Any]) -> str:
    return (
        f"{one['title']}: accuracy {one['accuracy']:.3f}, macro-F1 {one['macro_f1']:.3f}, calibration error "
        f"{one['calibration_error']:.3f}, surest 70 % {one['best_70']:.3f} ({one['texts']} texts)"
    )
