"""Try a policy on past requests, here and now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from base.context import acting, new_correlation_id
from loans.models import PolicyVersion
from loans.policy.moments import moment
from loans.policy.published import UnknownPolicy
from loans.policy.trial import LOSS_GIVEN_DEFAULT, run_trial


class Command(BaseCommand):
    help = (
        "Decide past requests with a policy and tell what would change: rates, reasons, who flips, expected loss. "
        "The report is kept with the policy; a draft counts as tried then."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("version")
        parser.add_argument("--since", type=moment, help="only requests of then or later")
        parser.add_argument(
            "--loss-given-default", type=float, default=LOSS_GIVEN_DEFAULT, help="share of an amount, 0 to 1"
        )
        parser.add_argument("--json", action="store_true", help="the whole report")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = PolicyVersion.objects.filter(version=options["version"]).first()
        if policy is None:
            raise CommandError(f"There is no policy {options['version']}.")
        share = options["loss_given_default"]
        if not 0 <= share <= 1:
            raise CommandError("--loss-given-default is a share from 0 to 1.")
        try:
            with acting(actor="command:try_policy", correlation_id=new_correlation_id()):
                trial = run_trial(policy_id=policy.pk, since=options["since"], loss_given_default=share)
        except UnknownPolicy as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(trial.report | {"flips": trial.flips}, indent=1))
            return
        for side in ("decided", "tried"):
            one = trial.report[side]
            rates = ", ".join(f"{name} {100 * (rate or 0):.1f} %" for name, rate in one["rates"].items())
            self.stdout.write(
                f"{side}: {one['requests']:,} requests, {rates}, expected loss {one['expected_loss']:,.2f}"
            )
        for flip in trial.flips:
            self.stdout.write(f"  {flip['request']}: {flip['from']} -> {flip['to']}")
