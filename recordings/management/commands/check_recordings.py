"""Hold what is measured against recordings whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recordings.checking import Checked, check, families
from recordings.samples import SamplesMissing

SHOWN = ("snr_db", "occupied_bandwidth", "duty_cycle", "amplitude_spread", "phase_spread_2", "symbol_rate")


class Command(BaseCommand):
    help = (
        "Measure the SigMF recordings of a directory and hold them against its index.csv (columns recording, "
        "modulation, samples_per_symbol, empty where unknown). Nothing is stored."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--json", action="store_true", help="all numbers as JSON")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        try:
            checked = check(directory)
        except (OSError, KeyError, ValueError, SamplesMissing) as error:
            raise CommandError(f"{directory} cannot be checked: {error!r}") from None
        if options["json"]:
            self.stdout.write(json.dumps({one.name: one.measured.numbers for one in checked}))
        else:
            self._tell(checked)

    def _tell(self, checked: list[Checked]) -> None:
        self.stdout.write(f"{'recording':32}{'modulation':12}" + "".join(f"{name:>19}" for name in SHOWN))
        for one in checked:
            numbers = [one.measured.numbers[name] for name in SHOWN]
            cells = "".join("                  –" if value is None else f"{value:>19.4g}" for value in numbers)
            rate = {True: " right", False: " wrong", None: ""}[one.rate_is_right]
            self.stdout.write(f"{one.name[:31]:32}{one.modulation[:11]:12}{cells}{rate}")
        known = [one.rate_is_right for one in checked if one.rate_is_right is not None]
        right, of, most = families(checked)
        self.stdout.write(f"\nsymbol rates within 2 %: {sum(known)} of {len(known)}")
        self.stdout.write(
            f"modulation told by the nearest other recording: {right} of {of} (always the same: {most:.2f})"
        )
        for one in checked:
            if one.detection is not None:
                self.stdout.write(f"power of a cell against the annotations of {one.name}: AUC {one.detection:.3f}")
