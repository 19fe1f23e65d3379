"""Print what features are made of as OpenLineage."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from features.definitions import feature_sets, find_feature_set
from features.lineage.openlineage import definition_event


class Command(BaseCommand):
    help = "Print the columns that features are made of as OpenLineage job events, one line of JSON for each set."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--set", dest="feature_set", help="only this set, as NAME or NAME@VERSION")

    def handle(self, *args: Any, feature_set: str | None, **options: Any) -> None:
        sets = feature_sets()
        if feature_set:
            name, _, version = feature_set.partition("@")
            found = find_feature_set(name, version or None)
            if found is None:
                raise CommandError(f"no feature set is called {feature_set}")
            sets = [found]
        now = timezone.now()
        for each in sets:
            self.stdout.write(orjson.dumps(definition_event(each, now=now)).decode())
