"""Corpora of documents that claims are held against: reading files of them, and storing what changed."""
