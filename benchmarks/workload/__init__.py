"""A domain that only measuring has: ten features, as other feature stores are shown with, and nothing else."""
