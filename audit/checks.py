"""What a deployment should know: `manage.py check --deploy --database default`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import Warning
from django.db import DatabaseError

from audit.privileges import may_change_the_trail


def check_roles(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[Warning]:
    """Warn where the application runs as a role that could change the trail."""
    try:
        if "default" in (databases or ()) and may_change_the_trail():
            hint = "Run the application as a role of its own: docs/audit.md, “Two roles”."
            return [Warning("The database role in use could change or drop the audit trail.", hint, id="audit.W001")]
    except DatabaseError:
        pass  # not migrated, or not there: others say so
    return []
