"""The feature store in the console."""

from features.admin import catalogue, events, values

__all__ = ["catalogue", "events", "values"]
