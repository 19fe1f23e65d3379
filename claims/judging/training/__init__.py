"""Fits the judge of claims and says how well it does. Needs requirements/science.txt."""
