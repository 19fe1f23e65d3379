"""Decide stored decisions again and compare."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loans.policy.moments import moment
from loans.policy.replay import canonical, replay


class Command(BaseCommand):
    help = (
        "Decide every stored decision again from the inputs, scorecard, policy and fraud rules it names, and compare "
        "all results bit for bit. Names those that differ, with their fields; the exit code is 1 then."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--since", type=moment, help="only decisions made then or later: 2026-01-31 or with a time")
        parser.add_argument("--json", action="store_true", help="one JSON line for each that differs")

    def handle(self, *args: Any, **options: Any) -> None:
        seen = wrong = 0
        for found in replay(options["since"]):
            seen += 1
            if found is None:
                continue
            wrong += 1
            request, decision = str(found.decision.loan_request_id), str(found.decision.pk)
            if options["json"]:
                fields = {name: {"stored": one, "again": two} for name, (one, two) in found.fields.items()}
                line = {"decision": decision, "request": request, "fields": fields, "problem": found.problem}
                self.stdout.write(json.dumps(line, default=str))
                continue
            self.stdout.write(f"decision {decision} of request {request} differs {found.problem}".rstrip())
            for name, (stored, again) in found.fields.items():
                self.stdout.write(f"  {name}: stored {canonical(stored)}, again {canonical(again)}")
        self.stdout.write(f"{seen:,} decisions decided again, {wrong:,} differ")
        if wrong:
            raise CommandError(f"{wrong:,} decisions do not come out as they are stored", returncode=1)
