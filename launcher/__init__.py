"""One-command start: a private PostgreSQL and Redis, and Millrace's own processes, under one data folder.

Knows nothing of Django or of our apps; `python -m launcher --help` says what it does.
"""
