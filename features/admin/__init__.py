"""The feature store in the console."""

from features.admin import catalogue, events, exports, values

__all__ = ["catalogue", "events", "exports", "values"]
