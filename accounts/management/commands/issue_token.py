"""Make an API key for a program."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import issue_api_key
from base.context import acting
from base.roles import Role


class Command(BaseCommand):
    help = "Make an API key and print it alone; it is shown this once. The user is made if needed."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--user", required=True, metavar="NAME", help="who the key is for")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])

    def handle(self, *args: Any, user: str, role: str, **options: Any) -> None:
        with acting(actor="command:issue_token"):
            known = User.objects.filter(username=user).exclude(role=role).first()
            if known:
                self.stderr.write(f"{user} was {known.role} and is {role} from now on.")
            try:
                key = issue_api_key(username=user, role=role)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(key)
