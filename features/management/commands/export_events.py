"""Export events to the offline store, and look after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from features import offline

ACTOR = "command:export_events"


class Command(BaseCommand):
    help = (
        "Export new events to Parquet files (EXPORT_URL), each once. Safe to stop and start again, beside live traffic "
        "and beside itself."
    )

    def add_arguments(self, parser: Any) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--full", action="store_true", help="begin again: write every event anew")
        what.add_argument("--verify", action="store_true", help="hold every file against its hash and the database")
        what.add_argument("--compact", action="store_true", help="merge all small files, beside exporting")
        what.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
        parser.add_argument("--wait", type=float, default=5, help="seconds to wait for open transactions of writers")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            offline.require()
        except offline.OfflineStoreUnavailable as error:
            raise CommandError(str(error)) from error
        from features.offline.columns import Unexportable
        from features.offline.horizon import WritersBusy
        from features.offline.manifest import TakenByAnother

        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '300s'")
        self.show = not options["json"]
        try:
            if options["verify"]:
                self._verify()
            elif options["dry_run"]:
                self._estimate(options["wait"])
            else:
                self._export(options)
        except (TakenByAnother, Unexportable, WritersBusy) as error:
            raise CommandError(str(error)) from error

    def _export(self, options: dict[str, Any]) -> None:
        from features.offline.compaction import compact
        from features.offline.export import export_events, forget_exports
        from features.offline.upkeep import tidy

        started = time.monotonic()
        with acting(actor=ACTOR, correlation_id=new_correlation_id()), self._bar("exporting") as bar:
            if options["full"]:
                forget_exports()
            rows = files = merged = 0
            for done in export_events(patience_s=options["wait"]):
                rows, files = rows + done.rows, files + done.files
                bar(done.percent, f"{rows:,} events")
            for before, _ in compact(fully=options["compact"]):
                merged += before
                bar(100, f"{merged:,} files merged")
            swept = tidy()
            report = {"events": rows, "files": files, "merged": merged, "removed": swept.replaced + swept.orphans}
            if options["full"] or options["compact"] or rows:
                asked = {"full": options["full"], "compact": options["compact"]}
                log_audit_event("events_exported", "offline_store", "events", asked | report)
        seconds = time.monotonic() - started
        self._say(
            report | self._state() | {"seconds": round(seconds, 3)},
            f"{rows:,} events in {files:,} new files, {merged:,} files merged, {report['removed']:,} removed, "
            f"in {seconds:.1f} s ({rows / seconds:,.0f} events/s)",
        )

    def _estimate(self, wait: float) -> None:
        from features.offline.compaction import partitions_to_compact
        from features.offline.export import waiting_events
        from features.offline.upkeep import orphaned

        report = {
            "events": waiting_events(patience_s=wait),
            "partitions_to_compact": partitions_to_compact(),
            "orphans": len(orphaned()),
        }
        self._say(
            report | self._state(),
            f"{report['events']:,} events would be exported, {report['partitions_to_compact']} partitions compacted, "
            f"{report['orphans']} files removed that nothing names",
        )

    def _verify(self) -> None:
        from features.offline.verification import verify

        with self._bar("verifying") as bar:
            found = verify(progress=bar)
        self._say(
            {"files": found.files, "rows": found.rows, "through_id": found.through_id, "problems": found.problems},
            f"{found.rows:,} events in {found.files:,} files, up to id {found.through_id:,}: "
            + (f"{len(found.problems)} problems" if found.problems else "all is well"),
        )
        for problem in found.problems if self.show else []:
            self.stderr.write(f"  {problem}")
        if found.problems:
            raise CommandError("The files are not what the database says.")

    def _state(self) -> dict[str, Any]:
        from features.offline.manifest import as_rows_say

        manifest = as_rows_say()
        return {"exported_through": manifest["exported_through"], "totals": manifest["totals"]}

    def _say(self, report: dict[str, Any], sentence: str) -> None:
        self.stdout.write(sentence if self.show else json.dumps(report))

    @contextmanager
    def _bar(self, title: str) -> Iterator[Any]:
        console = Console(stderr=True)
        columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
        shown = self.show and console.is_terminal
        with Progress(*columns, TimeRemainingColumn(), console=console, disable=not shown) as bar:
            row = bar.add_task("", total=100)
            yield lambda percent, message: bar.update(row, completed=percent, description=message)
