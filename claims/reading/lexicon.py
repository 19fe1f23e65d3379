"""What is known of words: how rare they are, what they are used like, which ones turn a sentence round. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from claims.reading.words import stem

NEGATIONS = frozenset(
    """no not never none neither nor without cannot can't couldn't don't doesn't didn't isn't aren't wasn't
    weren't won't wouldn't hasn't haven't hadn't lack lacks lacked lacking fail fails failed failing
    failure absence absent refuse refuses refused unable unlikely hardly rarely little false
    incorrect deny denies denied myth untrue despite instead independent independently irrelevant
    unrelated non""".split()
)
HEDGES = frozenset(
    """may might could can suggest suggests suggested suggesting possible possibly potential potentially
    likely appear appears appeared seem seems unclear unknown perhaps whether hypothesis
    hypothesized speculate remain remains""".split()
)
RISING = (
    "increase raise rise elevate enhance improve promote induce activate stimulate upregulate augment "
    "accelerate higher high greater more most larger gain expand grow growth strong stronger strengthen "
    "facilitate boost up above over exceed longer faster warm warming warmer hot hotter positive favor "
    "benefit better best many early first begin start born win won success successful support require "
    "necessary essential sensitive susceptible overexpression express major highest largest always all "
    "before increasing cause lead trigger drive create produce melt add accept allow enable"
)
FALLING = (
    "decrease reduce lower low decline diminish impair inhibit suppress deactivate repress downregulate "
    "attenuate delay slow lesser less least fewer few smaller loss lose shrink reduction weak weaker "
    "weaken prevent block down below under shorter slower cool cooling cooler cold colder negative harm "
    "worse worst poor rare late last end stop die died lost fail protect dispensable unnecessary "
    "nonessential resistant insensitive knockout knockdown deplete deficiency deficient minor lowest "
    "smallest never none after impede limit hinder restrict abolish avoid destroy freeze remove reject "
    "refuse"
)


@dataclass(frozen=True)
class Lexicon:
    """stems: in a fixed order. rarity: inverse document frequency of each. unknown: that of any other.

    vectors: a row for each stem, of length one, and a last one of zeros for what is not here. ways: stems of words for
    more (1) and for less (-1).
    """

    stems: tuple[str, ...]
    rarity: NDArray[np.float32]
    vectors: NDArray[np.float32]
    unknown: float

    @cached_property
    def places(self) -> dict[str, int]:
        return {stem: place for place, stem in enumerate(self.stems)}

    @cached_property
    def rarities(self) -> dict[str, float]:
        return dict(zip(self.stems, self.rarity.tolist(), strict=True))

    @property
    def ways(self) -> dict[str, int]:
        return WAYS


WAYS = {stem(word): 1 for word in RISING.split()} | {stem(word): -1 for word in FALLING.split()}
