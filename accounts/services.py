"""What can be done with accounts; the one module that other apps call."""

from accounts.caps import TooMany
from accounts.closing import NotOneself, StillNeeded, close_account, closing
from accounts.codes import WrongCode, request_code, verify_code
from accounts.delivery import deliver
from accounts.mail import notify_user, send_mail
from accounts.people import OutOfReach, assign_role, issue_api_key, lock_user, revoke_api_key, unlock_user
from accounts.profile import change_profile
from accounts.reputation import change_reputation, change_reputations
from accounts.sessions import (
    InvalidRefreshToken,
    open_session,
    refresh_session,
    revoke_other_sessions,
    revoke_session,
    revoke_sessions,
)
from accounts.verification import NothingToVerify, WrongToken, confirm_email, request_verification

__all__ = [
    "InvalidRefreshToken",
    "NotOneself",
    "NothingToVerify",
    "OutOfReach",
    "StillNeeded",
    "TooMany",
    "WrongCode",
    "WrongToken",
    "assign_role",
    "change_profile",
    "change_reputation",
    "change_reputations",
    "close_account",
    "closing",
    "confirm_email",
    "deliver",
    "issue_api_key",
    "lock_user",
    "notify_user",
    "open_session",
    "refresh_session",
    "request_code",
    "request_verification",
    "revoke_api_key",
    "revoke_other_sessions",
    "revoke_session",
    "revoke_sessions",
    "send_mail",
    "unlock_user",
    "verify_code",
]
