"""Everything about one item that its page shows; each looked up once, and only if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from base.artifacts import ArtifactError
from reports.models import Category, Report, ReviewItem
from reports.review.candidates import Lookalike, find_lookalikes
from reports.review.suggestions import Suggestion, standing, suggestion_of

KEYS = "123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Option:
    """A category one can choose, always by the same key. percent: None where the model did not name it."""

    key: str
    category: Category
    percent: float | None
    suggested: bool


class Case:
    def __init__(self, item: ReviewItem) -> None:
        self.item = item

    @property
    def report(self) -> Report:
        return self.item.report

    @cached_property
    def suggestion(self) -> Suggestion | None:
        return suggestion_of(self.report)

    @cached_property
    def found(self) -> list[Lookalike] | None:
        """None while the finder of duplicates cannot be read: everything else can still be decided."""
        try:
            return find_lookalikes(self.report)
        except ArtifactError:
            return None

    @property
    def lookalikes(self) -> list[tuple[str, Lookalike]]:
        """With their keys, the likeliest first."""
        return list(zip(KEYS, self.found or [], strict=False))

    @cached_property
    def options(self) -> list[Option]:
        told = self.suggestion
        named = dict([(told.category, told.probability), *told.others]) if told else {}
        categories = Category.objects.filter(is_active=True).select_related("department")
        return [
            Option(
                key=key,
                category=one,
                percent=round(100 * named[one.code], 1) if one.code in named else None,
                suggested=told is not None and one.code == told.category,
            )
            for key, one in zip(KEYS, categories, strict=False)
        ]

    @cached_property
    def named(self) -> list[Option]:
        """What the model named, likeliest first."""
        return sorted((one for one in self.options if one.percent is not None), key=lambda one: -(one.percent or 0))

    @property
    def words(self) -> tuple[tuple[str, float], ...]:
        return self.suggestion.words if self.suggestion else ()

    @cached_property
    def stands(self) -> Category | None:
        """The category that an acceptance leaves the report with."""
        code = standing(self.item, self.suggestion)
        return next((one.category for one in self.options if one.category.code == code), None)
