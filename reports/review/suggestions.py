"""What the machine said about a report, as reviewers need it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.classification.models import Classification
from reports.models import Report, ReviewItem
from reports.review.models import Why


@dataclass(frozen=True, slots=True)
class Suggestion:
    """others: further categories, likeliest first, with their probabilities. words: with what they add or take."""

    category: str
    probability: float
    model_version: str
    others: tuple[tuple[str, float], ...] = ()
    words: tuple[tuple[str, float], ...] = ()


def suggestion_of(report: Report) -> Suggestion | None:
    """The newest one; None if the report was never classified."""
    said = Classification.objects.filter(report=report).first()
    if said is None:
        return None
    return Suggestion(
        category=said.category_id,
        probability=said.probability,
        model_version=said.model_version,
        others=tuple((code, share) for code, share in said.runners_up),
        words=tuple((word, weight) for word, weight in said.words),
    )


def standing(item: ReviewItem, suggestion: Suggestion | None) -> str | None:
    """The category an acceptance leaves the report with: the suggested one where it is in question, else its own."""
    own = item.report.category_id
    return suggestion.category if suggestion and (own is None or Why.LOW_CONFIDENCE in item.why) else own
