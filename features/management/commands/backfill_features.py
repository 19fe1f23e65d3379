"""Compute features for everything that waits, for everyone, or as of a past time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.dateparse import parse_datetime
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from base.context import acting, new_correlation_id
from base.panels import lasting
from features import services
from features.backfill import control
from features.backfill.models import Backfill, Scope, State
from features.backfill.work import work
from features.values import coverage, extraction
from tasks.execution import prepare_connection, worker_name

MOVES = {
    "pause": services.pause_backfill,
    "resume": services.resume_backfill,
    "cancel": services.cancel_backfill,
}
LOOK_S = 0.5


class Command(BaseCommand):
    help = (
        "Compute and store the features of every entity that has none or has uncounted events. Safe to stop and "
        "start again, beside live traffic and beside itself: two runs of the same share the work."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--entity", help="only this entity type")
        parser.add_argument("--sets", help="only these feature sets, such as plot_care@v1,plot_harvest; with --entity")
        parser.add_argument("--batch-size", type=int, default=500, help="entities in one transaction (1-5000)")
        parser.add_argument("--max-batches", type=int, default=1_000_000, help="stop after so many batches")
        parser.add_argument("--rate", type=int, help="at most so many entities a second, of all workers together")
        parser.add_argument("--workers", type=int, default=1, help="processes, or with --detach tasks, at once (1-32)")
        parser.add_argument("--as-of", help="a past time with zone (ISO 8601): add values of that time to the history")
        parser.add_argument("--all", action="store_true", help="also entities that are up to date")
        parser.add_argument("--dry-run", action="store_true", help="say what it would take, and store nothing")
        parser.add_argument("--detach", action="store_true", help="leave the work to the task workers")
        for move in MOVES:
            parser.add_argument(f"--{move}", type=UUID, metavar="ID", help=f"{move} a backfill, and do nothing else")
        parser.add_argument("--reason", default="", help="kept in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(actor="command:backfill_features", correlation_id=new_correlation_id()):
            if asked := {move: options[move] for move in MOVES if options[move]}:
                self._move(asked, options["reason"])
                return
            wanted = self._wanted(options)
            prepare_connection()
            types = [options["entity"]] if options["entity"] else extraction.entity_types()
            for entity_type in types:
                self._backfill(wanted | {"entity_type": entity_type}, options)

    def _move(self, asked: dict[str, UUID], reason: str) -> None:
        for move, backfill_id in asked.items():
            try:
                backfill = MOVES[move](backfill_id=backfill_id, reason=reason)
            except Backfill.DoesNotExist:
                raise CommandError(f"There is no backfill {backfill_id}.") from None
            except control.WrongState as error:
                raise CommandError(str(error)) from None
            self.stdout.write(f"{backfill.pk} is {backfill.state}")

    def _wanted(self, options: dict[str, Any]) -> dict[str, Any]:
        as_of = self._time(options["as_of"])
        for name, most in (("batch_size", 5_000), ("workers", 32), ("max_batches", 2_147_483_647)):
            if not 1 <= options[name] <= most:
                raise CommandError(f"--{name.replace('_', '-')} must be from 1 to {most}")
        if options["rate"] is not None and options["rate"] < 1:
            raise CommandError("--rate must be at least 1")
        if as_of and options["all"]:
            raise CommandError("--as-of already covers every entity; leave out --all")
        known = extraction.entity_types()
        if options["entity"] and options["entity"] not in known:
            raise CommandError(f"--entity must be one of: {', '.join(known) or 'none is declared'}")
        scope = Scope.AS_OF if as_of else Scope.EVERYONE if options["all"] else Scope.WAITING
        sets = options["sets"].split(",") if options["sets"] else []
        try:
            control.checked(options["entity"] or "", scope, as_of, sets)
        except control.InvalidBackfill as error:
            raise CommandError(str(error)) from None
        kept = {name: options[name] for name in ("batch_size", "max_batches", "rate", "workers", "reason")}
        return kept | {"scope": scope, "as_of": as_of, "feature_sets": sets}

    def _backfill(self, wanted: dict[str, Any], options: dict[str, Any]) -> None:
        if options["dry_run"]:
            for row in services.estimate_backfill(**wanted):
                self.stdout.write(estimated(row))
            return
        try:
            backfill, is_new = services.request_backfill(**wanted, detached=options["detach"])
        except control.OtherBackfill as error:
            raise CommandError(str(error)) from None
        if not is_new:
            self.stdout.write(f"{wanted['entity_type']}: joins {backfill.pk}, which is {backfill.state}")
        if options["detach"]:
            self.stdout.write(f"{wanted['entity_type']}: {backfill.pk} was left to the workers")
            return
        if backfill.state == State.PAUSED:
            services.resume_backfill(backfill_id=backfill.pk, reason="The command was started again.")
        try:
            self._follow(backfill, wanted["workers"])
        except KeyboardInterrupt:
            self._pause(backfill)
            raise
        self._tell(backfill)

    def _follow(self, backfill: Backfill, workers: int) -> None:
        """Work until the backfill has ended or is paused, and show how far it is."""
        before = backfill.done + backfill.failed
        with self._bar() as bar:
            row = bar.add_task(backfill.entity_type, total=None)
            for _ in _alone(backfill) if workers == 1 else _together(backfill, workers):
                backfill.refresh_from_db()
                bar.update(row, total=backfill.expected, completed=backfill.done + backfill.failed)
        backfill.refresh_from_db()
        if backfill.done + backfill.failed > before:
            for _ in extraction.repair_histories(backfill.entity_type):
                pass

    def _pause(self, backfill: Backfill) -> None:
        try:
            services.pause_backfill(backfill_id=backfill.pk, reason="The command was stopped.")
        except control.WrongState:
            return
        self.stderr.write(f"{backfill.pk} is paused; start the same command again to go on")

    def _tell(self, backfill: Backfill) -> None:
        self.stdout.write(
            f"{backfill.entity_type}: {backfill.done} entities in {backfill.seconds:.1f} s "
            f"({backfill.per_second:,.0f} entities/s), {backfill.failed} failed, {backfill.state}"
        )
        for error in backfill.chunks.exclude(error="").values_list("error", flat=True)[:20]:
            self.stderr.write(f"  {error}")
        if backfill.scope != Scope.AS_OF:
            for row in coverage.coverage():
                if row.entity_type == backfill.entity_type:
                    self.stdout.write(f"  {row.feature_set}@{row.version}: coverage {row.percent} %")
        if backfill.state == State.FAILED:
            raise CommandError(backfill.note)

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)

    def _time(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise CommandError("--as-of must be a date and time with its zone, such as 1998-12-31T00:00:00Z")
        return moment


def estimated(row: dict[str, Any]) -> str:
    """One line of a dry run."""
    counted = {"exact": "", "at_least": "at least ", "at_most": "at most ", "planner": "about "}[row["counted"]]
    line = f"{row['entity_type']}: {counted}{row['entities']} entities would be computed"
    if not row["entities"]:
        return line
    if row["seconds"] is None:
        return f"{line}; nobody knows how fast"
    of = {"chunks": "of backfills that ran", "sample": "of a sample"}[row["measured"]]
    return (
        f"{line} from {row['source_events']:,} events in {row['transactions']:,} batches: "
        f"{lasting_s(row['seconds'])}, {lasting_s(row['database_s'])} of them in PostgreSQL, by the speed {of}"
    )


def lasting_s(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))


def _alone(backfill: Backfill) -> Iterator[None]:
    """Work in this process; again while others hold chunks that they may leave unfinished."""
    while _goes_on(backfill):
        for _ in work(backfill.pk, worker=worker_name()):
            yield
        if _goes_on(backfill):
            time.sleep(LOOK_S)


def _together(backfill: Backfill, workers: int) -> Iterator[None]:
    """Work in processes of our own. One that dies leaves its chunk to the others."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_work_here, args=(backfill.pk,)) for _ in range(workers)]
    for child in children:
        child.start()
    try:
        while any(child.is_alive() for child in children):
            yield
            time.sleep(LOOK_S)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _work_here(backfill_id: Any) -> None:
    """Ends when it is told to by the command, with its chunk given back; Ctrl-C is the command's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    prepare_connection()
    for _ in _alone(Backfill.objects.get(pk=backfill_id)):
        if os.getppid() == 1:  # nobody follows it any more
            return
    connections.close_all()


def _goes_on(backfill: Backfill) -> bool:
    return Backfill.objects.filter(pk=backfill.pk, state__in=[State.PLANNED, State.RUNNING]).exists()
