"""Fit the scorecard on the loans that are stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from features.services import point_in_time
from loans.features import AccountConduct, CoreBehavioral
from loans.models import Loan
from loans.scorecard import Application, card_inputs
from loans.services import ARTIFACT

if TYPE_CHECKING:
    from loans.fitting import Row

STEP = 500


class Command(BaseCommand):
    help = (
        "Fit the scorecard on past loans and their outcome, from features as they were just before each loan. Writes "
        "the artifact with its hash, and a report of how well it does on loans it has not seen."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--output", type=Path, default=ARTIFACT, help="the artifact; the report goes beside it")
        parser.add_argument("--seed", type=int, default=20261122)
        parser.add_argument("--version-name", default="v1")

    def handle(self, *args: Any, output: Path, seed: int, version_name: str, **options: Any) -> None:
        try:
            from loans.training import TooFewLoans, fit
            from loans.training_report import markdown
        except ImportError:
            raise CommandError("Training needs the packages of requirements/science.txt") from None
        rows = training_rows()
        definitions = [
            {"name": s.name, "version": s.version, "checksum": s.checksum()} for s in (CoreBehavioral, AccountConduct)
        ]
        try:
            artifact, report = fit(
                rows, definitions=definitions, created_on=timezone.now().date(), seed=seed, version=version_name
            )
        except TooFewLoans as error:
            raise CommandError(str(error)) from None
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(artifact, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        output.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        output.with_suffix(".report.md").write_text(markdown(report), encoding="utf-8")
        with acting(actor="command:train_scorecard", correlation_id=new_correlation_id()):
            log_audit_event(
                "scorecard_trained", "scorecard", version_name, {"sha256": artifact["sha256"], "loans": len(rows)}
            )
        unseen = report["cards"]["behaviour"]["cross_validation"]
        self.stdout.write(f"{len(rows)} loans; cross-validated AUC {unseen['auc']:.3f}, KS {unseen['ks']:.3f}")
        self.stdout.write(f"{output} ({artifact['sha256'][:12]})")


def training_rows() -> list[Row]:
    """One row for each past loan, with features as of the last moment before its date: nothing later is seen."""
    loans = list(Loan.objects.select_related("borrower").order_by("granted_date", "pk"))
    rows: list[Row] = []
    for start in range(0, len(loans), STEP):
        part = loans[start : start + STEP]
        spine = [(str(loan.borrower_id), just_before(loan)) for loan in part]
        known = [point_in_time(feature_set, spine) for feature_set in (CoreBehavioral, AccountConduct)]
        for loan, *served in zip(part, *known, strict=True):
            values = {name: value for row in served for name, value in row.values().items()}
            features = {name: None if value is None else float(value) for name, value in values.items()}
            application = Application(float(loan.amount), loan.term_months)
            rows.append(
                {
                    "borrower_id": str(loan.borrower_id),
                    "decision_date": loan.granted_date,
                    "bad": loan.is_bad,
                    "inputs": card_inputs(application, features),
                }
            )
    return rows


def just_before(loan: Loan) -> datetime:
    return datetime.combine(loan.granted_date, time(), UTC) - timedelta(microseconds=1)
