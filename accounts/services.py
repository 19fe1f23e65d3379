"""What can be done with accounts; the one module that other apps call."""

from accounts.codes import TooMany, WrongCode, request_code, verify_code
from accounts.delivery import deliver
from accounts.mail import send_mail
from accounts.people import assign_role, issue_api_key, lock_user, revoke_api_key, unlock_user
from accounts.reputation import change_reputation
from accounts.sessions import InvalidRefreshToken, open_session, refresh_session, revoke_session, revoke_sessions

__all__ = [
    "InvalidRefreshToken",
    "TooMany",
    "WrongCode",
    "assign_role",
    "change_reputation",
    "deliver",
    "issue_api_key",
    "lock_user",
    "open_session",
    "refresh_session",
    "request_code",
    "revoke_api_key",
    "revoke_session",
    "revoke_sessions",
    "send_mail",
    "unlock_user",
    "verify_code",
]
