"""First start: an administrator and sample data. Later starts find them there and change nothing."""

import os
import secrets
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import User
from accounts.services import assign_role
from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from base.roles import Role


class Command(BaseCommand):
    help = "Make the first administrator if there is none, and load each domain's sample into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(actor="command:bootstrap", correlation_id=new_correlation_id()):
            self._administrator()
            for domain in settings.DOMAINS:
                if find_spec(f"{domain}.sample"):
                    with transaction.atomic():
                        told = import_module(f"{domain}.sample").load()
                    if told:
                        self.stdout.write(f"Sample data: {told}.")

    @transaction.atomic
    def _administrator(self) -> None:
        if User.objects.filter(is_superuser=True).exists():
            return
        username = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        user = User.objects.create_superuser(username=username, password=password)
        assign_role(user=user, role=Role.ADMIN)
        log_audit_event("first_administrator_made", "user", user.pk, {"username": username})
        shown = "the password of DJANGO_SUPERUSER_PASSWORD" if given else f"password {password} (shown once)"
        self.stdout.write(f"Administrator: {username}, {shown}.")
