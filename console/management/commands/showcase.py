"""Send one loan request through the running system and tell what happened."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from datetime import datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from accounts.services import open_session
from features.values.coverage import coverage
from loans.models import Borrower

WAIT_S = 30


class Command(BaseCommand):
    help = "Ask the running web server for a loan as a sample borrower, follow the task, and print the story."

    def handle(self, *args: Any, **options: Any) -> None:
        self.site = f"http://127.0.0.1:{os.environ.get('MILLRACE_PORT') or 8000}"
        borrower = self._borrower()
        self.token = open_session(user=borrower.user).access_token
        started = time.monotonic()
        answer = self._call("POST", "/api/v1/loans/request", {"requested_amount": 45000, "purpose": "home_improvement"})
        decided_ms = 1000 * (time.monotonic() - started)
        task = self._follow(answer["task_id"]) if answer["task_id"] else None
        self._tell(answer, decided_ms, task)

    def _borrower(self) -> Borrower:
        """Somebody with a history who has not asked for the longest time."""
        borrowers = Borrower.objects.filter(user__is_active=True, external_ref__startswith="synthetic")
        found = borrowers.order_by("requests__created_at", "id").first()
        if found is None:
            raise CommandError("There is no sample borrower to ask for a loan.")
        return found

    def _follow(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while True:
            task = self._call("GET", f"/api/v1/tasks/{task_id}")
            if task["status"] not in ("pending", "processing") or time.monotonic() > deadline:
                return task
            time.sleep(0.1)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own web server on loopback
            self.site + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise CommandError(f"{method} {path} answered {error.code}: {error.read().decode()[:300]}") from None

    def _tell(self, answer: dict[str, Any], decided_ms: float, task: dict[str, Any] | None) -> None:
        decision = answer["credit_decision"]
        signals, policy = decision["ai_signals"], decision["policy_decision"]
        table = Table(show_header=False, box=None, pad_edge=False)
        scores = f"score {signals['final_credit_score']}, fraud {signals['fraud_score']:.2f}"
        table.add_row("Loan request", f"{answer['loan_request']['requested_amount']:,.2f} for home improvement")
        table.add_row("Decision", f"{policy['decision']} in {decided_ms:.0f} ms, {scores}")
        for reason in policy["reasons"]:
            table.add_row("", reason)
        if task:
            table.add_row("Background task", f"{task['name']} {task['status']}{self._seconds(task)}")
        for row in coverage():
            covered = f"{row.with_features} of {row.total} {row.entity_type}s ({row.percent} %)"
            table.add_row("Features", f"{row.feature_set}@{row.version}: {covered}")
        table.add_row("Site", f"{self.site}/")
        table.add_row("Admin", f"{self.site}/admin/")
        table.add_row("API docs", f"{self.site}/api/v1/docs/")
        table.add_row("Messages", "one-time codes are files in the data folder, under outbox/sms/")
        Console(file=cast(IO[str], self.stdout), soft_wrap=True).print(table)

    def _seconds(self, task: dict[str, Any]) -> str:
        if not task["completed_at"]:
            return ""
        start, end = (datetime.fromisoformat(task[key]) for key in ("created_at", "completed_at"))
        return f" after {(end - start).total_seconds():.2f} s"
