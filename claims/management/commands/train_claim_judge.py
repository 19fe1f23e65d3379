"""Fit the judge of claims on public sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from claims.judging.published import FOLDER


class Command(BaseCommand):
    help = (
        "Fit the judge of claims on the public sets of a folder: the order of documents, which sentences are evidence, "
        "what they say, and the verdict. Writes the artifact, and beside it a report, as HTML and JSON, of how well it "
        "does on claims it has not seen. It is used once CLAIM_JUDGE names it."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--data", type=Path, required=True, help="folder of the sets, each a folder of Parquet files"
        )
        parser.add_argument("--output", type=Path, help="the artifact, a .json file; the rest goes beside it")
        parser.add_argument("--version-name", default="v1")
        parser.add_argument("--folds", type=int, default=5)
        parser.add_argument("--seed", type=int, default=20261122)
        parser.add_argument("--draws", type=int, default=500, help="resamplings for the intervals")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from claims.judging.training.report import html
            from claims.judging.training.run import train
        except ImportError:
            raise CommandError("Training needs the packages of requirements/science.txt") from None
        version = options["version_name"]
        output: Path = options["output"] or FOLDER / f"judge-{version}.json"
        try:
            made = train(
                options["data"], version=version, created_on=timezone.now().date(), folds=options["folds"],
                seed=options["seed"], draws=options["draws"], say=self._say,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise CommandError(str(error)) from None
        output.parent.mkdir(parents=True, exist_ok=True)
        output.with_suffix(".npz").write_bytes(made.numbers)
        output.write_text(json.dumps(made.about, indent=1) + "\n", encoding="utf-8")
        output.with_suffix(".report.json").write_text(json.dumps(made.report, indent=1) + "\n", encoding="utf-8")
        output.with_suffix(".report.html").write_text(html(made.report), encoding="utf-8")
        facts = {"sha256": made.about["sha256"], "claims": made.report["claims"]}
        with acting(actor="command:train_claim_judge", correlation_id=new_correlation_id()):
            log_audit_event("claim_judge_trained", "claim_judge", version, facts)
        self.stdout.write(f"{output} ({made.about['sha256'][:12]})")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
