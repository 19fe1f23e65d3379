"""What must be there before reports can be processed; `manage.py check --deploy` looks at it before a release runs."""

from __future__ import annotations

from typing import Any

from django.core import checks

from base.artifacts import ArtifactError
from reports.classification import published as classifiers
from reports.duplicates import published as finders


@checks.register(deploy=True)
def models_can_be_read(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Without one of them new reports would wait."""
    found: list[checks.CheckMessage] = []
    for load in (classifiers.classifier, finders.finder):
        try:
            load()
        except ArtifactError as error:
            found.append(checks.Error(f"Reports cannot be processed: {error}.", id="reports.E001"))
    return found
