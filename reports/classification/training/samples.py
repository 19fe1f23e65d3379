"""The public sets of civic reports as texts with labels and places. Their rows are read here and never shipped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from reports.classification.text import words_of
from reports.classification.training.wording import free_text

FILES = ("atlanta_scf", "newhaven_scf", "publicstuff_nyc", "boston311")
CELL = 0.001  # degrees, about 100 m
ALIKE_FROM = 4  # words from which equal texts are held together
TOGETHER = ("place", "words")


@dataclass(frozen=True, slots=True)
class Sample:
    """title: the request type or the headline, never part of `text`. coarse, fine: labels as the set has them.

    cell: about 100 m. votes: of residents, None where the set has none.
    """

    city: str
    text: str
    title: str
    coarse: str | None
    fine: str | None
    cell: tuple[int, int] | None
    votes: int | None = None


def read(folder: Path) -> dict[str, list[Sample]]:
    """The sets that are in the folder, by city. Boston only where staff chose a class, with the form's fields."""
    makers: dict[str, Callable[[dict[str, Any]], Sample]] = {
        "atlanta_scf": _atlanta, "newhaven_scf": _newhaven, "publicstuff_nyc": _newyork, "boston311": _boston,
    }  # fmt: skip
    return {
        name: [makers[name](row) for row in pq.read_table(folder / f"{name}.parquet").to_pylist()]
        for name in FILES
        if (folder / f"{name}.parquet").is_file()
    }


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of each file that was read."""
    paths = [folder / f"{name}.parquet" for name in FILES]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()}


def _atlanta(row: dict[str, Any]) -> Sample:
    place = _cell(row["lat"], row["lng"])
    text, title = row["description"] or "", row["summary"] or ""
    return Sample("atlanta", text, title, row["coarse_category"], row["type_large"], place, row["vote_count"])


def _newhaven(row: dict[str, Any]) -> Sample:
    place = _cell(row["lat"], row["lng"])
    text, title = row["description"] or "", row["summary"] or ""
    return Sample("newhaven", text, title, row["coarse_category"], None, place, row["rating"])


def _newyork(row: dict[str, Any]) -> Sample:
    place = _cell(row["Latitude"], row["Longitude"])
    text, title, votes = row["Description"] or "", row["Title"] or "", row["Num Of Supporters"]
    return Sample("newyork", text, title, row["coarse_category"], None, place, votes)


def _boston(row: dict[str, Any]) -> Sample:
    place = _cell(row["lat"], row["long"])
    return Sample("boston", row["description"] or "", "", None, row["service_name"], place)


def without_form(sample: Sample) -> Sample:
    """The same with what a person wrote freely, and nothing that the form printed or offered to choose."""
    return Sample(sample.city, free_text(sample.text), sample.title, sample.coarse, sample.fine, sample.cell)


def holder(sample: Sample) -> tuple[str, tuple[int, int] | None]:
    """Whose text it is: its city and place; texts of a city that have none count as one."""
    return sample.city, sample.cell


def _cell(latitude: float | None, longitude: float | None) -> tuple[int, int] | None:
    if latitude is None or longitude is None:
        return None
    return round(latitude / CELL), round(longitude * 0.8 / CELL)


def groups(samples: Sequence[Sample], *, by: Collection[str] = TOGETHER) -> np.ndarray:
    """A number for each sample; those of one cell share it and stay in one fold, and those of the same words.

    by: "place", "words" or both. With both a few words alone tie no places together.
    """
    least = ALIKE_FROM if "place" in by else 1
    parent: dict[Any, Any] = {}

    def root(key: Any) -> Any:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for number, one in enumerate(samples):
        words = tuple(words_of(one.text))
        keys: list[tuple[str, Any]] = [("place", one.cell)] if one.cell else []
        keys += [("words", words)] if len(words) >= least else []
        for key in keys:
            if key[0] in by:
                first, second = root(number), root(key)
                parent[first] = second
    names: dict[Any, int] = {}
    return np.array([names.setdefault(root(number), len(names)) for number in range(len(samples))], dtype=np.int64)


def known_rows(samples: Iterable[Sample], label: Callable[[Sample], str | None]) -> list[Sample]:
    return [one for one in samples if label(one)]
