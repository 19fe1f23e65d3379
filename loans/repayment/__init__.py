"""Loans that were granted: what is due, what was paid, what was missed."""
