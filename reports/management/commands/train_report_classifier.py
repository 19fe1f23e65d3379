"""Fit the classifier of reports on public sets and on what reviewers decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from reports.classification import corrections
from reports.classification.published import FOLDER


class Command(BaseCommand):
    help = (
        "Fit the classifier of reports on the public sets of a folder, and with --from-corrections on what reviewers "
        "decided. Writes the artifact, and beside it a report, as HTML and JSON, of how well it does on texts it has "
        "not seen. It is used once REPORT_CLASSIFIER names it."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
        parser.add_argument("--from-corrections", action="store_true", help="learn what reviewers decided, too")
        parser.add_argument("--output", type=Path, help="the artifact, a .json file; the rest goes beside it")
        parser.add_argument("--version-name", default="v1")
        parser.add_argument("--folds", type=int, default=5)
        parser.add_argument("--seed", type=int, default=20261122)
        parser.add_argument("--draws", type=int, default=200, help="resamplings for the intervals")
        parser.add_argument("--only-product", action="store_true", help="leave the questions of single sets out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from reports.classification.training.fitting import Lesson, TooFewTexts
            from reports.classification.training.product import CORRECTED
            from reports.classification.training.run import QUESTIONS, train
        except ImportError:
            raise CommandError("Training needs the packages of requirements/science.txt") from None
        version = options["version_name"]
        output = options["output"] or FOLDER / f"classifier-{version}.json"
        rows = corrections.rows() if options["from_corrections"] else ()
        learned = [Lesson(one.text, one.category, CORRECTED, holder=(one.reporter, one.reporter)) for one in rows]
        try:
            for made, report in train(
                options["data"], version=version, created_on=timezone.now().date(), corrected=learned,
                questions=() if options["only_product"] else QUESTIONS, folds=options["folds"], seed=options["seed"],
                draws=options["draws"], say=self._say,
            ):  # fmt: skip
                write(made, report, output)
        except TooFewTexts as error:
            raise CommandError(str(error)) from None
        about = made.classifier.about
        facts = {"sha256": about["sha256"], **{name: about["training"][name] for name in ("texts", "corrections")}}
        with acting(actor="command:train_report_classifier", correlation_id=new_correlation_id()):
            log_audit_event("report_classifier_trained", "report_classifier", version, facts)
        self.stdout.write(f"{output} ({about['sha256'][:12]})")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def write(made: Any, report: dict[str, Any], output: Path) -> None:
    from reports.classification.training.report import html

    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".npz").write_bytes(made.numbers)
    output.write_text(json.dumps(made.classifier.about, indent=1) + "\n", encoding="utf-8")
    output.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    output.with_suffix(".report.html").write_text(html(report), encoding="utf-8")
