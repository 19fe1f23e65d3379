"""Load published sets of real reports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from reports.models import Category
from reports.tasks import request_processing
from reports.volume import copying, sets


class Command(BaseCommand):
    help = (
        "Load published reports from Parquet, with their status and its history. Reports that are there already stay "
        "as they are, so a load that was stopped is continued by starting it again. Needs requirements/science.txt."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--data", type=Path, required=True, help="the folder of the Parquet files")
        names = [*sets.SETS, "all"]
        parser.add_argument("--set", dest="names", action="append", choices=names, help="boston, unless named")
        parser.add_argument("--batch-size", type=int, default=5_000, help="reports in one transaction")
        parser.add_argument("--classify", action="store_true", help="have the classifier look at them too")

    def handle(self, *, data: Path, names: list[str] | None, batch_size: int, classify: bool, **options: Any) -> None:
        if batch_size < 1:
            raise CommandError("--batch-size must be at least 1")
        wanted = dict.fromkeys(names or ["boston"])
        with acting(actor="command:load_reports", correlation_id=new_correlation_id()):
            for name in sets.SETS if "all" in wanted else wanted:
                try:
                    self._load(name, data, batch_size, classify)
                except sets.SetNotRead as error:
                    raise CommandError(str(error)) from None
        if classify:
            request_processing()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE reports_report, reports_statuschange")

    def _load(self, name: str, folder: Path, batch_size: int, classify: bool) -> None:
        started, read, new = time.monotonic(), 0, 0
        departments = dict(Category.objects.values_list("code", "department_id"))
        with self._bar() as bar, sets.opened(name, folder, batch_rows=batch_size) as (total, batches):
            line = bar.add_task(name, total=total)
            for batch in batches:
                new += copying.store(batch, departments, classify=classify)
                read += len(batch)
                bar.update(line, completed=read)
        log_audit_event("reports_loaded", "source", name, {"read": read, "new": new})
        seconds = time.monotonic() - started
        speed = f"{seconds:.0f} s, {read / seconds:,.0f} a second"
        self.stdout.write(f"{name}: {read:,} reports read, {new:,} new ({speed})")

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)
