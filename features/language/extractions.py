"""Extractions: work of a domain on raw data of its own (files, signals) that must be done before features can be.

extracts("recordings", counts=…, request_batch=…, request_backfill=…)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FEATURES = "features"  # the feature store's own extraction, from events and rows


@dataclass(frozen=True, slots=True)
class Extraction:
    """counts(): the domain's coverage under its own keys, `coverage_percent` among them.

    request_batch(batch_size=, max_batches=) and request_backfill(batch_size=, max_batches=): start one in the caller's
    transaction and return its task's id; a live backfill is joined.
    """

    name: str
    counts: Callable[[], dict[str, Any]]
    request_batch: Callable[..., str]
    request_backfill: Callable[..., str]


_extractions: dict[str, Extraction] = {}


def extracts(
    name: str, *, counts: Callable[[], dict[str, Any]], request_batch: Callable[..., str],
    request_backfill: Callable[..., str],
) -> None:  # fmt: skip
    """Declare an extraction, in the domain's `features.py`. The endpoints of coverage then tell of it and start it."""
    declared = Extraction(name, counts, request_batch, request_backfill)
    if name == FEATURES or _extractions.setdefault(name, declared) != declared:
        raise RuntimeError(f"two extractions are named {name}")


def chosen(of: str) -> tuple[bool, dict[str, Extraction]]:
    """What a request that names one extraction, or none for all, is about: the feature store's own, and domains'."""
    named = {name: each for name, each in extractions().items() if of in ("", name)}
    return of in ("", FEATURES), named


def extractions() -> dict[str, Extraction]:
    """Every declared one, by name."""
    return dict(sorted(_extractions.items()))
