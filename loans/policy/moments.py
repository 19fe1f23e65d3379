"""Moments as people write them for commands."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """An ISO date or time, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date or time such as 2026-01-31T12:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
