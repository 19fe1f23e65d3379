"""People and programs, how they log in, and what is kept about them."""

from accounts.models.people import ApiKey, Session, User, UserManager
from accounts.models.proofs import EmailVerification, OneTimeCode
from accounts.models.records import IdempotencyKey, Login, LoginDay, LoginStatistics, Mail, ReputationChange

__all__ = [
    "ApiKey",
    "EmailVerification",
    "IdempotencyKey",
    "Login",
    "LoginDay",
    "LoginStatistics",
    "Mail",
    "OneTimeCode",
    "ReputationChange",
    "Session",
    "User",
    "UserManager",
]
