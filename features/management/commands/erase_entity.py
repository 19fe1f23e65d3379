"""Erase one entity from the feature store, and ask every table whether it is gone."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from base.context import acting, new_correlation_id
from features.definitions import entities
from features.erasure.erase import Busy
from features.services import erase_entity, proof


class Command(BaseCommand):
    help = "Erase an entity's events, values and history for good, refuse its events from then on, and prove it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("entity_type")
        parser.add_argument("entity_id")
        parser.add_argument("--reason", required=True, help="kept in the audit trail; write no name into it")

    def handle(self, *args: Any, **options: Any) -> None:
        entity_type, entity_id = options["entity_type"], options["entity_id"]
        if entity_type not in entities():
            raise CommandError(f"TYPE must be one of: {', '.join(sorted(entities()))}")
        with acting(actor="command:erase_entity", correlation_id=new_correlation_id()):
            try:
                done, task_id = erase_entity(entity_type=entity_type, entity_id=entity_id, reason=options["reason"])
            except Busy as error:
                raise CommandError(str(error)) from None
        left = proof(entity_type, entity_id)
        for table in sorted(left):
            self.stdout.write(f"{table}: {done.rows.get(table, 0)} erased, {left[table]} left")
        self.stdout.write(f"In the audit trail: {done.name}")
        if task_id:
            self.stdout.write(f"Exported files are rewritten by task {task_id}")
