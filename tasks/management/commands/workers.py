"""Run a pool of worker processes."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tasks.pool import Pool


class Command(BaseCommand):
    help = "Run rqworker processes over all queues, more of them while tasks wait, and a new one when one dies."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--num", type=int, help="so many workers, always")
        parser.add_argument("--min", type=int, default=max(2, os.cpu_count() or 2), help="never fewer workers")
        parser.add_argument("--max", type=int, help="never more workers; twice --min if not given")

    def handle(self, *args: Any, **options: Any) -> None:
        least = options["num"] or options["min"]
        most = options["num"] or options["max"] or 2 * least
        if not 1 <= least <= most:
            raise CommandError("There must be at least one worker, and --max must not be below --min.")
        Pool(least=least, most=most).run()
