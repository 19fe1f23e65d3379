"""The roles of people and programs. Groups of the same names carry their console permissions."""

from enum import StrEnum


class Role(StrEnum):
    CLIENT = "client"  # own things
    SERVICE = "service"  # events in, features out
    ANALYST = "analyst"  # features, training
    OPERATOR = "operator"  # backfill, retry, cancel, pause
    REVIEWER = "reviewer"  # work lists
    AUDITOR = "auditor"  # audit, read-only
    ADMIN = "admin"


EVERYONE = frozenset(Role)
STAFF = frozenset({Role.OPERATOR, Role.REVIEWER, Role.AUDITOR, Role.ANALYST, Role.ADMIN})
