"""Load insurance history to try things out on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from policies import eudirectlapse, loader, synthetic


class Command(BaseCommand):
    help = (
        "Load policyholders with quotes, policies and payments of the last two years: invented ones, or ones around "
        "the premiums and lapses of the table eudirectlapse. Stopped and started again it goes on; loading again adds "
        "nothing. Run backfill_features afterwards."
    )

    def add_arguments(self, parser: Any) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--policies", type=int, default=1_000, help="how many policies to invent")
        which.add_argument("--from-data", type=Path, help=f"a folder that holds {eudirectlapse.FILE}")
        parser.add_argument("--seed", type=int, default=2017)

    def handle(self, *args: Any, policies: int, from_data: Path | None, seed: int, **options: Any) -> None:
        now, started = timezone.now(), time.monotonic()
        if from_data is None:
            source, holders = synthetic.SOURCE, synthetic.generate(now=now, policies=policies, seed=seed)
        elif (from_data / eudirectlapse.FILE).is_file():
            source, holders = eudirectlapse.SOURCE, eudirectlapse.read_policyholders(from_data, now=now, seed=seed)
        else:
            raise CommandError(f"{from_data} does not hold {eudirectlapse.FILE}")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '60s'")
        total = loader.Stored()
        with acting(actor="command:load_policies", correlation_id=new_correlation_id()), self._progress() as progress:
            line = progress.add_task("")
            for done in loader.store(holders):
                total.add(done)
                progress.update(line, description=f"{total.seen:,} policyholders, {total.rows:,} new rows")
            log_audit_event("policies_loaded", "source", source, {"seed": seed, "rows": total.rows})
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{total.users} new policyholders of {total.seen}: {total.quotes} quotes, {total.policies} policies and "
            f"{total.payments} payments in {seconds:.1f} s ({total.rows / seconds:,.0f} rows/s)"
        )

    def _progress(self) -> Progress:
        console = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)
