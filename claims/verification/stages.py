"""What a verification does, in four stages: retrieve evidence, rank its sentences, judge them, and aggregate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from claims import judging, retrieval
from claims.models import Corpus

Progress = Callable[[float, str], None]


@dataclass(slots=True)
class Outcome:
    """What the stages found. corpora: versions by name; stages: seconds by stage; stances: best first."""

    corpora: dict[str, int]
    stages: dict[str, float] = field(default_factory=dict)
    stances: Sequence[Any] = ()
    decision: Any = None
    model_versions: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.stages[stage] = round(time.perf_counter() - started, 6)


def versions_of(only: Sequence[str]) -> dict[str, int]:
    """The corpora that a verification looks into now, with their versions."""
    active = Corpus.objects.filter(is_active=True)
    return dict((active.filter(name__in=only) if only else active).order_by("name").values_list("name", "version"))


def run_stages(text: str, corpora: dict[str, int], progress: Progress) -> Outcome:
    """Hold a text against corpora. Their versions were read before: a load in between makes a verdict look older."""
    outcome = Outcome(corpora)
    progress(5, f"Retrieving evidence from {_counted(len(corpora), 'corpus', 'corpora')}")
    with outcome.timed("retrieve"):
        found = retrieval.retrieve(text, corpora=list(corpora))
    progress(40, f"Ranking the sentences of {_counted(len(found), 'document')}")
    with outcome.timed("rank"):
        candidates = retrieval.rank(text, found)
    progress(60, f"Judging {_counted(len(candidates), 'sentence')}")
    with outcome.timed("judge"):
        outcome.stances = judging.judge(text, candidates)
    progress(90, "Aggregating")
    with outcome.timed("aggregate"):
        outcome.decision = judging.aggregate(outcome.stances)
    outcome.model_versions = judging.model_versions()
    return outcome


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
