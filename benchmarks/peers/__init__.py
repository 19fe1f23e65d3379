"""Other job systems, each set up as its own documentation does. They run in an environment of their own and know
nothing of the product; see benchmarks.subjects.task_peers.
"""
