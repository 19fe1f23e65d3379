"""A storm over the job system: a seeded plan of tasks and faults on servers of its own, and a verdict.

`make chaos SEED=7 TASKS=10000`. The same seed gives the same tasks and faults; what they meet differs, as in life.
"""
