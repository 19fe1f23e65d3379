"""A Feast repository with the ten features of benchmarks.workload, computed before Feast sees them."""
