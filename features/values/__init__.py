"""Stored values: computed, corrected, counted, and what still waits."""
