"""An errand: what a request will read anyway, read by the statement that looks who asks. One round trip, not two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Errand:
    """`text` writes the query, whose parameters are `$first` and those after it; what it selects has names.

    `key` stands for the text and `rows` for the answer, None until it was run. It is run for whoever holds a good
    credential; whether role and limits allow the answer is decided before anybody looks at it.
    """

    key: Hashable
    text: Callable[[int], str]
    values: Sequence[Any]
    rows: list[tuple[Any, ...]] | None = None
