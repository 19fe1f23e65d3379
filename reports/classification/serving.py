"""What a text is about: the category with its probability, the runners-up, and the words that speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.categories import CATEGORIES, OTHER
from reports.classification.artifact import Classifier
from reports.classification.linear import Floats
from reports.classification.published import classifier

RUNNERS_UP = 3
TOP_WORDS = 6
SEVERITIES = ("low", "medium", "high")  # "critical" is for people to say
DEPARTMENT_OF = {one.code: one.department for one in CATEGORIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the model says of a text.

    probability: calibrated. sure: it is enough to set the category without a person. runners_up: with probabilities,
    the best first. words: with what each adds to the log-odds over the first runner-up, the strongest first. urgency:
    0–1, the share of reports that fewer residents voted for; `severity` is its band. A text without a word the model
    knows is `other` with probability 0.
    """

    category: str
    probability: float
    sure: bool
    runners_up: list[tuple[str, float]]
    words: list[tuple[str, float]]
    urgency: float
    severity: str
    version: str
    sha256: str

    @property
    def department(self) -> str:
        """As the product ships; the category's row is the truth."""
        return DEPARTMENT_OF[self.category]


def classify(texts: Sequence[str], *, with_words: bool = True, using: Classifier | None = None) -> list[Guess]:
    """A guess for each text, in order. Raises ArtifactError when the classifier cannot be read."""
    made = using or classifier()
    if not texts:
        return []
    scores = made.whole.scores(texts)
    chances, urgencies = made.model.probabilities(scores[:, :-1]), scores[:, -1]
    return [
        _guess(made, text, row, float(urgent), with_words)
        for text, row, urgent in zip(texts, chances, urgencies, strict=True)
    ]


def text_of(title: str, description: str) -> str:
    """What a report says, as one text."""
    return f"{title}\n{description}"


def _guess(made: Classifier, text: str, chances: Floats, urgent: float, with_words: bool) -> Guess:
    classes = made.model.classes
    order = np.argsort(-chances, kind="stable")
    best, then = classes[order[0]], classes[order[1]]
    known = made.model.knows(text)
    sure = made.about["certainty"]
    probability = round(float(np.interp(chances[order[0]], sure["said"], sure["right"])), 4) if known else 0.0
    left = (1 - probability) / max(1 - float(chances[order[0]]), 1e-6)
    urgency = float(np.interp(urgent, made.about["urgency"]["scores"], made.about["urgency"]["shares"]))
    return Guess(
        category=best if known else OTHER,
        probability=probability,
        sure=known and probability >= made.threshold,
        runners_up=[
            (classes[at], round(min(probability, left * float(chances[at])), 4)) for at in order[1 : RUNNERS_UP + 1]
        ],
        words=made.whole.explain(text, best, then)[:TOP_WORDS] if with_words and known else [],
        urgency=round(urgency, 4),
        severity=severity_of(urgency),
        version=made.version,
        sha256=made.sha256,
    )


def severity_of(urgency: float) -> str:
    """The lower third, the middle, and the most urgent sixth."""
    return SEVERITIES[0] if urgency < 1 / 3 else SEVERITIES[1] if urgency < 5 / 6 else SEVERITIES[2]
