"""A throw-away domain: one folder and one name in DOMAINS, and the platform serves it."""
