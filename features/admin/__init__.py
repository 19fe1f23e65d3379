"""The feature store in the console."""

from features.admin import catalogue, datasets, events, values

__all__ = ["catalogue", "datasets", "events", "values"]
