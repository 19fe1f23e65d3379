"""One training: read the sets, judge every claim by models that had not seen it, then fit the one that is published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from base.artifacts import packed
from claims.judging import artifact
from claims.judging.training import cases as sets
from claims.judging.training import deciding, export, figures, finding, table, validation, vocabulary
from claims.judging.training.cases import Case, Material, Text
from claims.judging.training.fitting import Recipe
from claims.reading.lexicon import Lexicon

READ = 3  # documents of a search whose sentences are learnt from


@dataclass(frozen=True, slots=True)
class Made:
    """about, numbers: the artifact's two files. report: how well it does on claims not seen."""

    about: dict[str, Any]
    numbers: bytes
    report: dict[str, Any]


@dataclass(frozen=True)
class Searches:
    """SciFact's claims with what search finds for them. chances: of the found documents, by an order not fitted to
    the claim."""

    cases: list[Case]
    found: finding.Searched
    relevant: list[np.ndarray]
    chances: list[np.ndarray]


def train(
    folder: Path, *, version: str, created_on: date, folds: int = 5, seed: int = 20261122, draws: int = 500,
    recipe: Recipe | None = None, say: Callable[[str], None] = print,
) -> Made:  # fmt: skip
    """The same files make the same artifact. Raises FileNotFoundError for a folder without any of the sets."""
    material, recipe = sets.read(folder), recipe or Recipe()
    say(f"{len(material.cases):,} claims, {len(material.corpus):,} documents")
    texts = [part for one in material.corpus for part in (one.title, *one.sentences)] + material.others
    words = vocabulary.learn(texts, seed=recipe.seed)
    lexicon = artifact.lexicon_of(words)
    say(f"{len(lexicon.stems):,} words learnt")
    fold = sets.folds_of(material.cases, folds, seed)
    searches = searched(material, fold, lexicon)
    say("searched")
    given = material.cases + sets.crossed(material.cases, seed)
    told = given + [_retrieved(searches, at, material.corpus) for at in range(len(searches.cases))]
    chances = [[1.0] * len(one.texts) for one in given]
    chances += [sorted(one.tolist(), reverse=True)[:READ] for one in searches.chances]
    rows = table.build(told, lexicon, chances, say)
    groups = np.unique([one.group for one in told], return_inverse=True)[1]
    parted = sets.folds_of(told, folds, seed)
    unseen = validation.cross_validated(rows, parted, groups, recipe, say)
    report = figures.of(rows, unseen, searches, material.corpus, fold=parted, seed=seed, draws=draws)
    fitted = validation.fit(rows, np.arange(len(told)), groups, recipe)
    rules = deciding.learn(rows, unseen.chances, deciding.strengths(rows, unseen), np.arange(len(told)))
    arrays = words | export.arrays_of(fitted, rules)
    arrays |= finding.fit(np.vstack(searches.found.rows), np.concatenate(searches.relevant)) if searches.cases else (
        finding.unfitted()
    )  # fmt: skip
    numbers = packed(arrays)
    training = {"claims": report["claims"], "folds": folds, "seed": seed, "recipe": asdict(recipe)}
    about = {"version": version, "created_on": created_on.isoformat(), "training": training}
    described = artifact.described(about, arrays, numbers)
    artifact.reader_of(arrays, described)
    head = {"version": version, "sha256": described["sha256"], "created_on": created_on.isoformat()}
    return Made(described, numbers, head | {"folds": folds, "seed": seed} | report)


def searched(material: Material, fold: np.ndarray, lexicon: Lexicon) -> Searches:
    """The order of a claim's documents is fitted to the claims of other folds."""
    places = [at for at, one in enumerate(material.cases) if one.set == "scifact"]
    cases = [material.cases[at] for at in places]
    found = finding.search([one.claim for one in cases], material.corpus, lexicon)
    right = finding.relevant(cases, material.corpus, found)
    chances: list[np.ndarray] = [np.zeros(0)] * len(cases)
    for number in sorted(set(fold[places].tolist())):
        rest = [at for at, place in enumerate(places) if fold[place] != number]
        order = finding.fit(np.vstack([found.rows[at] for at in rest]), np.concatenate([right[at] for at in rest]))
        for at, place in enumerate(places):
            if fold[place] == number:
                chances[at] = finding.chances(order, found.rows[at])
    return Searches(cases, found, right, chances)


def _retrieved(searches: Searches, at: int, corpus: Sequence[Text]) -> Case:
    """The claim with the documents that search thinks likeliest; what their sentences say is not told."""
    one, best = searches.cases[at], np.argsort(-searches.chances[at], kind="stable")[:READ]
    texts = [corpus[place] for place in searches.found.places[at][best].tolist()]
    return Case(one.set, one.group, one.claim, one.label, tuple(texts), one.gold, told=False)
