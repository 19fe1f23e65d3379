"""Give the application's database role the rights it needs, and none to change the audit trail."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from audit.privileges import CannotSplit, grant_application, let_see_transactions

UNSEEN = (
    "{role} cannot see when transactions of other roles began, which exports of events wait for: let a superuser say "
    "GRANT pg_read_all_stats TO {role}, or let everything that writes events run as {role}."
)


class Command(BaseCommand):
    help = (
        "Run as the role that migrates, after each migrate: ROLE may then run the application, and may add to the "
        "audit trail and read it, but neither change nor drop it. APPLICATION_PASSWORD makes the role, or sets its "
        "password."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("role")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        try:
            grant_application(role=role, password=os.environ.get("APPLICATION_PASSWORD", ""))
        except (CannotSplit, ProgrammingError) as error:
            raise CommandError(str(error).strip()) from None
        self.stdout.write(f"{role} may run the application; to the audit trail it may add, and nothing else.")
        if not let_see_transactions(role):
            self.stderr.write(UNSEEN.format(role=role))
