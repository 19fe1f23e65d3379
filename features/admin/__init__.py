"""The feature store in the console."""

from features.admin import backfills, catalogue, events, values

__all__ = ["backfills", "catalogue", "events", "values"]
