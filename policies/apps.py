from typing import Any

from django.apps import AppConfig
from django.utils import timezone

from base.roles import Role


class PoliciesConfig(AppConfig):
    name = "policies"
    verbose_name = "Policies"
    console_permissions = {
        Role.OPERATOR: ["policies.view_*"],
        Role.ANALYST: ["policies.view_*"],
    }

    def ready(self) -> None:
        from accounts.services import closing

        closing.connect(refuse_insured, dispatch_uid="policies_insured")


def refuse_insured(sender: Any, *, user: Any, **kwargs: Any) -> None:
    """Nobody goes while they are insured."""
    from accounts.services import StillNeeded
    from policies.models import Policy

    if Policy.objects.filter(user=user, ends_date__gte=timezone.now().date()).exists():
        raise StillNeeded("There is a policy that has not ended.")
