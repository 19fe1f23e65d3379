"""Fit the scorecard on the loans that are stored, or on a public credit table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from loans.published import FOLDER

VERSION = "v2"
CONTROL_DAYS = 30


class Command(BaseCommand):
    help = (
        "Fit the scorecard on past loans and their outcome, from features as they were just before each loan, or on a "
        "credit table (--table). Writes the artifact with its hash, and beside it a report, as HTML and JSON, of how "
        "well it does on cases it has not seen. Nothing is written but the report when a check finds a leak."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--output", type=Path, help="the artifact; the report goes beside it")
        parser.add_argument("--seed", type=int, default=20261122)
        parser.add_argument("--version-name", default=VERSION)
        parser.add_argument("--repeats", type=int, help="how often the folds are drawn anew (10 for loans)")
        parser.add_argument("--without", nargs="*", default=[], metavar="NAME", help="characteristics to leave out")
        parser.add_argument("--table", choices=["german", "taiwan", "hmeq", "gmsc"], help="instead of stored loans")
        parser.add_argument("--data", type=Path, help="folder of the table's Parquet file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from loans.training.card import TooFewCases
        except ImportError:
            raise CommandError("Training needs the packages of requirements/science.txt") from None
        try:
            artifact, report, output = made(options)
        except TooFewCases as error:
            raise CommandError(str(error)) from None
        write(artifact, report, output)
        name = next(part for part in ("behaviour", "application") if part in report["cards"])
        unseen = report["cards"][name]["cross_validation"]
        if not report["passed"]:
            raise CommandError(f"A check failed, so no card was written: see {output.with_suffix('.report.html')}")
        with acting(actor="command:train_scorecard", correlation_id=new_correlation_id()):
            facts = {"sha256": artifact["sha256"], "cases": artifact["training"]["rows"], "title": report["title"]}
            log_audit_event("scorecard_trained", "scorecard", artifact["version"], facts)
        low, high = unseen["auc_interval"]
        self.stdout.write(
            f"{artifact['training']['rows']} cases; cross-validated AUC {unseen['auc']:.3f} ({low:.3f} to {high:.3f}), "
            f"KS {unseen['ks']:.3f}, calibration slope {unseen['calibration_slope'] or 0:.2f}"
        )
        self.stdout.write(f"{output} ({artifact['sha256'][:12]})")


def made(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """Artifact, report, and where they go. Raises CommandError, TooFewCases."""
    from loans.training import bank, credit_tables
    from loans.training.binning import Settings
    from loans.training.card import fit

    version, table_name = options["version_name"], options["table"]
    common = {"created_on": timezone.now().date(), "seed": options["seed"], "version": version}
    if table_name is None:
        subject = bank.subject(without=options["without"])
        table = bank.stored_loans(subject)
        control = bank.stored_loans(subject, later_days=CONTROL_DAYS)
        output = options["output"] or FOLDER / f"scorecard-{version}.json"
        return *fit(table, subject, control=control, settings=repeated(Settings(), options), **common), output
    if options["data"] is None or options["output"] is None:
        raise CommandError("--table needs --data, the folder of the Parquet file, and --output")
    subject, table = credit_tables.read(table_name, options["data"], without=options["without"])
    settings = repeated(credit_tables.settings_for(len(table)), options)
    return *fit(table, subject, settings=settings, **common), options["output"]


def repeated(settings: Any, options: dict[str, Any]) -> Any:
    return replace(settings, repeats=options["repeats"]) if options["repeats"] else settings


def write(artifact: dict[str, Any], report: dict[str, Any], output: Path) -> None:
    from loans.training.report import html

    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    output.with_suffix(".report.html").write_text(html(report), encoding="utf-8")
    if report["passed"]:
        output.write_text(json.dumps(artifact, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
