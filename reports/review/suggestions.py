"""What the machine said about a report, as reviewers need it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.models import Report


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
    return None
