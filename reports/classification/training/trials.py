"""The questions that public sets can ask of the method, each beside the figures of a plain baseline."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reports.classification.training.fitting import Lesson, Recipe
from reports.classification.training.samples import Sample, holder, without_form
from reports.classification.training.validation import Label, Teach, Trial
from reports.classification.training.wording import WEAK, atlanta_of, weak_label

Sets = Mapping[str, Sequence[Sample]]
TITLE, ELSEWHERE, TITLE_ELSEWHERE = 0.5, 0.15, 0.3
PARKED = ("Illegal Parking", "Abandoned Vehicle")
SHORTEST = 15  # characters of a text from elsewhere
EACH = 150  # texts from elsewhere for a class by its wording
FORM_NOTE = (
    'What a filled-in form printed or offered to choose ("Make of the abandoned car", "Unshovelled location") gives '
    "the type away. This row has such fields removed and keeps what a person wrote; texts of which nothing is left are "
    "not counted."
)  # fmt: skip
WORDS_NOTE = "Texts of the same words are held out as a whole; places are not, for common texts would tie them all."
DRAWN_NOTE = "At most 45,000 texts are learned from, and 15,000 judged, drawn from the parts held for either."


def atlanta(sets: Sets, seed: int) -> list[Trial]:
    """Nineteen classes given by hand."""
    rows = [one for one in sets["atlanta_scf"] if one.fine]
    besides = elsewhere(sets, seed)
    common: dict[str, Any] = {"samples": rows, "label": _fine, "besides": besides, "lean": 0.3,
                              "recipe": Recipe(logistic=1 / 3)}  # fmt: skip
    return [
        Trial(
            name="atlanta_description", title="Atlanta, 19 classes, description alone",
            teach=_with_titles(_fine, TITLE), reference={"accuracy": 0.774, "macro_f1": 0.603},
            notes=["Texts without a description are counted; they are guessed from nothing.",
                   "Titles of the texts learned from, and texts of other cities whose request type means the same, are "
                   "learned too."], **common,
        ),
        Trial(
            name="atlanta_both", title="Atlanta, 19 classes, title and description", text=both, teach=_both(_fine),
            reference={"accuracy": 0.884, "macro_f1": 0.742, "best_70": 0.98}, **common,
        ),
    ]  # fmt: skip


def cities(sets: Sets, seed: int) -> list[Trial]:
    """Sixteen classes by rules on the request type, as the sets give them; its wording is not shown."""
    rows = [one for name in ("newhaven_scf", "publicstuff_nyc", "atlanta_scf") for one in sets[name] if one.coarse]
    titles = {(one.title, str(one.coarse)) for one in rows if not one.text or one.city == "newyork"}
    besides = [Lesson(title, label, TITLE_ELSEWHERE) for title, label in sorted(titles)]
    besides += [
        Lesson(one.text, label, ELSEWHERE)
        for kind, label in BOSTON_COARSE.items()
        for one in boston_texts(sets, (kind,), 400, seed)
    ]
    return [
        Trial(
            name="three_cities", title="Three cities, 16 coarse classes", samples=[one for one in rows if one.text],
            label=_coarse, teach=_with_titles(_coarse, TITLE_ELSEWHERE), besides=besides,
            recipe=Recipe(strength=0.08), reference={"accuracy": 0.74, "macro_f1": 0.606, "best_70": 0.879},
            notes=["The labels are the set's own, rules on the request type that take \"Streets and Drains\" for trees "
                   "(\"sTREEts\"); the product's labels do not."],
        )
    ]  # fmt: skip


def boston(sets: Sets) -> list[Trial]:
    """Five types that staff or the form chose, with and without what the form printed."""
    rows = [one for one in sets.get("boston311", ()) if one.text]
    free = [one for one in map(without_form, rows) if one.text]
    recipe = Recipe(strength=0.5, rarity=0.3, vectors=0, word_in=3, piece_in=5)
    common: dict[str, Any] = {"label": _fine, "teach": _plain(_fine), "recipe": recipe, "lean": 0.0,
                              "together": ("words",)}  # fmt: skip
    reference = {"accuracy": 0.906, "macro_f1": 0.89, "best_70": 0.973}
    return [
        Trial(name="boston", title="Boston, 5 types, text as it is", samples=rows, reference=reference,
              notes=[WORDS_NOTE, DRAWN_NOTE], **common),
        Trial(name="boston_free", title="Boston, 5 types, without the form's fields", samples=free, reference={},
              notes=[FORM_NOTE, WORDS_NOTE, DRAWN_NOTE], **common),
    ]  # fmt: skip


def transfer(sets: Sets) -> tuple[Trial, list[Sample]]:
    """Learn in New Haven, guess in Atlanta: the classes that both have."""
    rows = [one for one in sets["newhaven_scf"] if one.coarse and one.text]
    trial = Trial(
        name="transfer", title="New Haven → Atlanta, coarse classes", samples=rows, label=_coarse,
        teach=_with_titles(_coarse, TITLE), recipe=Recipe(strength=0.08), reference={"accuracy": 0.599},
        notes=["Nothing from Atlanta is learned or calibrated on; word vectors come from texts of all cities, without "
               "labels."],
    )  # fmt: skip
    return trial, [one for one in sets["atlanta_scf"] if one.coarse and one.text]


BOSTON_COARSE = {
    "Illegal Parking": "vehicle_parking", "Abandoned Vehicle": "vehicle_parking", "Sidewalk Not Shoveled": "snow_ice",
}  # fmt: skip


def elsewhere(sets: Sets, seed: int) -> list[Lesson]:
    """Texts of other cities as Atlanta's classes: by their request type, and Boston's catch-all by its wording."""
    found: dict[tuple[str, str], float] = {}
    for name in ("newhaven_scf", "publicstuff_nyc"):
        for one in sets.get(name, ()):
            label = atlanta_of(one.title)
            if label and one.coarse != "snow_ice":
                found[one.title, label] = ELSEWHERE
                if one.text:
                    found[one.text, label] = ELSEWHERE
    for one in boston_texts(sets, PARKED, 200, seed):
        found[one.text, "Parking"] = ELSEWHERE
    for text, label in by_wording(sets, seed):
        found[text, label] = TITLE_ELSEWHERE
    return [Lesson(text, label, weight) for (text, label), weight in found.items()]


def by_wording(sets: Sets, seed: int) -> list[tuple[str, str]]:
    """Texts of Boston's type "Other" in which the words of exactly one class stand, a few for each class."""
    by_label: dict[str, list[str]] = {name: [] for name, _ in WEAK}
    for one in boston_texts(sets, ("Other",), None, seed):
        if label := weak_label(one.text):
            by_label[label].append(one.text)
    return [(text, label) for label, texts in by_label.items() for text in texts[:EACH]]


def boston_texts(sets: Sets, kinds: Sequence[str], most: int | None, seed: int) -> list[Sample]:
    """Free texts of these types, each once, in an order drawn by the seed."""
    return drawn((one for one in sets.get("boston311", ()) if one.fine in kinds), most, seed, SHORTEST)


def unlabelled(sets: Sets, most: int, seed: int) -> list[Sample]:
    """Texts for word vectors; of these no label is read."""
    return drawn((one for rows in sets.values() for one in rows), most, seed)


def drawn(samples: Iterable[Sample], most: int | None, seed: int, longer_than: int = 0) -> list[Sample]:
    texts = {one.text: one for one in map(without_form, samples) if len(one.text) > longer_than}
    found = list(texts.values())
    random.Random(seed).shuffle(found)
    return found[:most]


def both(sample: Sample) -> str:
    return f"{sample.title}\n{sample.text}"


def _fine(sample: Sample) -> str | None:
    return sample.fine


def _coarse(sample: Sample) -> str | None:
    return sample.coarse


def _plain(label: Label) -> Teach:
    return lambda samples: [Lesson(one.text, str(label(one)), holder=holder(one)) for one in samples]


def _with_titles(label: Label, weight: float) -> Teach:
    def teach(samples: Sequence[Sample]) -> list[Lesson]:
        texts = [Lesson(one.text, str(label(one))) for one in samples]
        return texts + [Lesson(one.title, str(label(one)), weight) for one in samples if one.title]

    return teach


def _both(label: Label) -> Teach:
    def teach(samples: Sequence[Sample]) -> list[Lesson]:
        texts = [Lesson(both(one), str(label(one))) for one in samples]
        return texts + [
            Lesson(part, str(label(one)), TITLE) for one in samples for part in (one.title, one.text) if part
        ]

    return teach


def by_place(trial: Trial) -> Trial:
    """Places alone held out, as for the baseline: the same words may then be learned from somebody else's text."""
    note = "Held out as the plain baseline was, by place alone; equal texts of other places are learned from."
    return replace(
        trial, name=f"{trial.name}_by_place", title=f"{trial.title}; held out by place alone", together=("place",),
        notes=[*trial.notes, note],
    )  # fmt: skip
