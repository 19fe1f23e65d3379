"""Mail to people, each message a row and a task in the transaction of what it tells."""

from __future__ import annotations

from django.db import transaction

from accounts import tasks
from accounts.models import Mail, User


@transaction.atomic
def send_mail(*, to: str, subject: str, body: str, about: tuple[str, str]) -> None:
    """Have a message sent to one address when the caller's transaction commits, for hours if need be.

    At least once, under one Message-ID. The text is kept for 30 days, so it may hold no secret that is still good.
    """
    words = " ".join(subject.split())[:200]
    mail = Mail.objects.create(to=to, subject=words, body=body, about_type=about[0], about_id=str(about[1]))
    tasks.send_mail.using(subject=about).enqueue(mail_id=str(mail.pk))


def notify_user(*, user_id: int, subject: str, body: str, about: tuple[str, str]) -> bool:
    """Mail a user at the address they have shown to be theirs. False: there is none, or they want no such mail."""
    reachable = User.objects.filter(
        pk=user_id, is_active=True, mail_notifications=True, email_verified_at__isnull=False
    )
    address = reachable.values_list("email", flat=True).first()
    if address:
        send_mail(to=address, subject=subject, body=body, about=about)
    return address is not None
