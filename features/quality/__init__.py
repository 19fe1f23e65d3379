"""Is what is stored still what it was: nulls, ranges and distributions of every feature, and alerts when it is not."""
