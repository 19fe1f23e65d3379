"""The feature store in the console."""

from features.admin import catalogue, datasets, events, exports, quality, values

__all__ = ["catalogue", "datasets", "events", "exports", "quality", "values"]
