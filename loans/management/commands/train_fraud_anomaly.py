"""Fit the anomaly score on stored features."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from features.services import point_in_time
from loans.features import AccountConduct, CashFlow, CoreBehavioral
from loans.models import Loan
from loans.policy.anomaly import TooFewRows, fit
from loans.policy.published import FOLDER

SETS = (CoreBehavioral, AccountConduct, CashFlow)
STEP = 500


class Command(BaseCommand):
    help = (
        "Fit the anomaly score on the features of borrowers as they were just before each past loan: medians, spreads "
        "and distances, as JSON with its hash. A policy names the version it uses."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--version-name", default="v1")
        parser.add_argument("--output", type=Path, help="the artifact")

    def handle(self, *args: Any, **options: Any) -> None:
        version = options["version_name"]
        output = options["output"] or FOLDER / f"anomaly-{version}.json"
        definitions = [{"name": s.name, "version": s.version, "checksum": s.checksum()} for s in SETS]
        rows = stored_rows()
        try:
            artifact = fit(rows, version=version, created_on=timezone.now().date(), definitions=definitions)
        except TooFewRows as error:
            raise CommandError(str(error)) from None
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(artifact, indent=1) + "\n", encoding="utf-8")
        with acting(actor="command:train_fraud_anomaly", correlation_id=new_correlation_id()):
            log_audit_event("anomaly_trained", "anomaly", version, {"sha256": artifact["sha256"], "rows": len(rows)})
        self.stdout.write(f"{len(rows)} borrowers, {len(artifact['features'])} features")
        self.stdout.write(f"{output} ({artifact['sha256'][:12]})")


def stored_rows() -> list[dict[str, float | None]]:
    """Features as of the last moment before each past loan: outcomes are not looked at."""
    loans = list(Loan.objects.order_by("granted_date", "pk").values_list("borrower_id", "granted_date"))
    rows: list[dict[str, float | None]] = []
    for start in range(0, len(loans), STEP):
        spine = [
            (str(borrower), datetime.combine(granted, time(), UTC) - timedelta(microseconds=1))
            for borrower, granted in loans[start : start + STEP]
        ]
        for served in zip(*(point_in_time(feature_set, spine) for feature_set in SETS), strict=True):
            values = {name: value for row in served for name, value in row.values().items()}
            rows.append({name: None if value is None else float(value) for name, value in values.items()})
    return rows
