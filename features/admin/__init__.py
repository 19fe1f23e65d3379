"""The feature store in the console."""

from features.admin import catalogue, events, exports, quality, values

__all__ = ["catalogue", "events", "exports", "quality", "values"]
