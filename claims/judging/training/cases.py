"""Claims with the evidence that people gave for them, from the public sets. Groups never cross folds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LABELS = {
    "SUPPORT": "SUPPORTED", "SUPPORTS": "SUPPORTED", "CONTRADICT": "REFUTED", "REFUTES": "REFUTED",
    "NOT_ENOUGH_INFO": "NOT_ENOUGH_INFO", "DISPUTED": "DISPUTED",
}  # fmt: skip
CROSSED = "crossed"  # made here, of claims of two sets
SETS = ("scifact", "climate_fever", "fm2", "fever_symmetric")


@dataclass(frozen=True, slots=True)
class Text:
    """labels: what each sentence says of the claim; NOT_ENOUGH_INFO where nobody marked it."""

    id: str
    title: str
    sentences: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """group: claims that share a document or a text. gold: the documents that hold evidence. told: they were chosen by
    people; otherwise they were found by search."""

    set: str
    group: str
    claim: str
    label: str
    texts: tuple[Text, ...]
    gold: frozenset[str] = frozenset()
    told: bool = True


@dataclass(frozen=True)
class Material:
    """corpus: the documents that SciFact's claims are searched in. others: sentences to learn words from."""

    cases: list[Case]
    corpus: list[Text]
    others: list[str]


def read(folder: Path) -> Material:
    """Whichever sets the folder holds. Raises FileNotFoundError if it holds none."""
    from pyarrow.parquet import read_table

    def rows(path: str) -> list[dict[str, Any]]:
        return read_table(folder / path).to_pylist() if (folder / path).is_file() else []

    corpus = [Text(str(row["doc_id"]), row["title"], tuple(row["abstract"])) for row in rows("scifact/corpus.parquet")]
    science = rows("scifact/claims_train.parquet")
    climate, evidence = rows("climate_fever/claims.parquet"), rows("climate_fever/claim_evidence.parquet")
    fooled, symmetric = rows("fm2/dev.parquet"), rows("fever_symmetric/dev.parquet")
    cases = [*_science(science, corpus), *_climate(climate, evidence), *_fooled(fooled), *_symmetric(symmetric)]
    if not cases:
        raise FileNotFoundError(f"{folder} holds none of {', '.join(SETS)}")
    others = [
        *(row["evidence"] for row in rows("climate_fever/evidence_pool.parquet")),
        *(said for row in fooled for said in (*row["retrieved_evidence"], *row["gold_evidence"])),
        *(row["evidence"] for row in symmetric),
    ]
    return Material(cases, corpus, list(dict.fromkeys(others)))


def _science(rows: Sequence[dict[str, Any]], corpus: Sequence[Text]) -> list[Case]:
    texts = {one.id: one for one in corpus}
    groups = connected([[f"d{one}" for one in row["cited_doc_ids"]] + [row["claim"]] for row in rows])
    found = []
    for row, group in zip(rows, groups, strict=True):
        marked = json.loads(row["evidence"])
        cited = []
        for document in map(str, row["cited_doc_ids"]):
            labels = ["NOT_ENOUGH_INFO"] * len(texts[document].sentences)
            for rationale in marked.get(document, ()):
                for at in rationale["sentences"]:
                    labels[at] = LABELS[rationale["label"]]
            cited.append(Text(document, texts[document].title, texts[document].sentences, tuple(labels)))
        found.append(Case("scifact", f"s{group}", row["claim"], LABELS[row["label"]], tuple(cited), frozenset(marked)))
    return found


def _climate(claims: Sequence[dict[str, Any]], evidence: Sequence[dict[str, Any]]) -> list[Case]:
    of = defaultdict(list)
    for row in evidence:
        label = LABELS[row["evidence_label"]]
        of[row["claim_id"]].append(Text(row["evidence_id"], row["article"], (row["evidence"],), (label,)))
    groups = connected([[row["claim"]] for row in claims])
    return [
        Case("climate_fever", f"c{group}", row["claim"], LABELS[row["claim_label"]], tuple(of[row["claim_id"]]))
        for row, group in zip(claims, groups, strict=True)
    ]


def _fooled(rows: Sequence[dict[str, Any]]) -> list[Case]:
    found = []
    for row in rows:
        label, page, gold = LABELS[row["label"]], row["wikipedia_page"], tuple(row["gold_evidence"])
        text = Text(page, page, gold, (label,) * len(gold))
        found.append(Case("fm2", f"f{page}", row["text"], label, (text,)))
    return found


def _symmetric(rows: Sequence[dict[str, Any]]) -> list[Case]:
    groups = connected([[f"c{row['claim']}", f"e{row['evidence']}"] for row in rows])
    found = []
    for row, group in zip(rows, groups, strict=True):
        label = LABELS[row["gold_label"]]
        text = Text(row["id"], "", (row["evidence"],), (label,))
        found.append(Case("fever_symmetric", f"y{group}", row["claim"], label, (text,)))
    return found


def crossed(cases: Sequence[Case], seed: int) -> list[Case]:
    """Claims of sets that have evidence for each, with the text of another claim: half of them of the same page where
    there is one. Such a text says nothing of the claim, which the sets alone would never teach."""
    generator = np.random.default_rng(seed)
    found = []
    for name in ("fm2", "fever_symmetric"):
        own = [one for one in cases if one.set == name]
        for at in np.flatnonzero(generator.random(len(own)) < 0.5).tolist():
            one, text = own[at], own[at].texts[0]
            near = [other for other in own if other.group == one.group and other.texts[0].sentences != text.sentences]
            far = [other for other in own if other.group != one.group]
            pool = near if name == "fm2" and near and generator.random() < 0.5 else far
            if pool:
                other = pool[int(generator.integers(len(pool)))].texts[0]
                labels = ("NOT_ENOUGH_INFO",) * len(other.sentences)
                strange = Text(other.id, other.title, other.sentences, labels)
                found.append(Case(CROSSED, one.group, one.claim, "NOT_ENOUGH_INFO", (strange,)))
    return found


def connected(keys: Iterable[Sequence[str]]) -> list[int]:
    """The number of each row's group: rows that share a key, directly or through others, share a group."""
    rows = list(keys)
    parent: dict[str, str] = {}

    def top(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for row in rows:
        for key in row[1:]:
            parent[top(key)] = top(row[0])
    numbers: dict[str, int] = {}
    return [numbers.setdefault(top(row[0]), len(numbers)) for row in rows]


def folds_of(cases: Sequence[Case], folds: int, seed: int) -> np.ndarray:
    """A fold for each case; the groups of each set are dealt out at random."""
    groups = sorted({one.group for one in cases})
    order = np.random.default_rng(seed).permutation(len(groups))
    fold = {group: int(place) % folds for group, place in zip(groups, order, strict=True)}
    return np.array([fold[one.group] for one in cases])
