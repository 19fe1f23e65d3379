"""What people are told in messages. Pure: facts in, words out."""

from __future__ import annotations

VERIFY_SUBJECT = "Verify your email"
VERIFY = """Hello,

somebody, we hope you, gave this address to their Millrace account. To say that it is yours, open this page and press
the button there:

{link}

or enter this token in your app:

{token}

Both work once, within 24 hours. If it was not you, do nothing: the address stays unverified.
"""
CHANGED_SUBJECT = "Your email address was changed"
CHANGED = """Hello,

your Millrace account has this address no longer. If you did not change it, close your sessions in your app, log in
anew, and tell us.
"""
CLOSED_SUBJECT = "Your account was deleted"
CLOSED = """Hello,

your Millrace account was deleted from within your app. If it was not you, tell us: somebody had your phone.
"""


def code_text(digits: str) -> str:
    return f"{digits} is your Millrace code, valid for 5 minutes. Tell it to nobody."


def verify_text(token: str, *, page: str) -> str:
    """page: where the token can be confirmed by a button."""
    return VERIFY.format(link=f"{page}?token={token}", token=token)
