"""The feature store in the console."""

from features.admin import catalogue, events, quality, values

__all__ = ["catalogue", "events", "quality", "values"]
