"""The feature store in the console."""

from features.admin import backfills, catalogue, datasets, events, exports, quality, values

__all__ = ["backfills", "catalogue", "datasets", "events", "exports", "quality", "values"]
