"""Backfills as rows: what was asked for, its chunks, how fast they go, and what one would cost."""
