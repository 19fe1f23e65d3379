"""Fit the finder of duplicates on the reports of a city whose staff noted them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from reports.duplicates.published import CURRENT, FOLDER


class Command(BaseCommand):
    help = (
        "Fit the finder of duplicates on past reports and what staff decided about them. Writes the artifact with its "
        "hash, and beside it a report, as HTML and JSON, of how well it does on what it has not seen."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the reports as Parquet files")
        parser.add_argument("--output", type=Path, help="the artifact; the report goes beside it")
        parser.add_argument("--seed", type=int, default=20261122)
        parser.add_argument("--version-name", default=CURRENT)
        parser.add_argument("--trees", type=int, help="of each of the two models")
        parser.add_argument("--others", type=int, help="reports that are no duplicates, to learn from")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from reports.duplicates.training import boston, course
            from reports.duplicates.training.fitting import Settings, TooFewDuplicates
            from reports.duplicates.training.report import html
        except ImportError:
            raise CommandError("Training needs the packages of requirements/science.txt") from None
        version = options["version_name"]
        output = options["output"] or FOLDER / f"duplicates-{version}.json"
        given = {name: options[name] for name in ("trees", "others") if options[name]}
        try:
            city = boston.read(options["data"])
            artifact, report = course.train(
                city,
                replace(Settings(), **given),
                version=version,
                created_on=timezone.now().date(),
                seed=options["seed"],
                say=self.stdout.write,
            )
        except (FileNotFoundError, TooFewDuplicates) as error:
            raise CommandError(str(error)) from None
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(artifact) + "\n", encoding="utf-8")
        output.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        output.with_suffix(".report.html").write_text(html(report), encoding="utf-8")
        with acting(actor="command:train_duplicate_finder", correlation_id=new_correlation_id()):
            facts = {"sha256": artifact["sha256"], "reports": len(city)}
            log_audit_event("duplicate_finder_trained", "duplicate_finder", version, facts)
        unseen = report["figures"]["by_place"]
        self.stdout.write(
            f"{len(city)} reports; the original is first in {unseen['original']['recall@1']['value']:.3f}, among five "
            f"in {unseen['original']['recall@5']['value']:.3f}; duplicates told from others with AUC "
            f"{unseen['detection']['auc']:.3f}"
        )
        self.stdout.write(f"{output} ({artifact['sha256'][:12]})")
