"""Load the PKDD'99 Czech bank data."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from loans import berka, loader


class Command(BaseCommand):
    help = (
        "Load users, borrowers, raw events and past loans from the Parquet files of the PKDD'99 bank data. Loading "
        "again adds nothing. Run backfill_features afterwards."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("folder", type=Path, help="holds account, client, disp, loan, trans_*.parquet")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if not (folder / "loan.parquet").is_file():
            raise CommandError(f"{folder} does not hold the bank data (no loan.parquet)")
        with acting(actor="command:load_berka", correlation_id=new_correlation_id()):
            borrowers = loader.store_borrowers(berka.read_borrowers(folder))
            read = new = 0
            for done in loader.store_events(berka.read_events(folder)):
                read, new = read + done.accepted, new + done.added
            loans = loader.store_loans(berka.read_loans(folder))
            log_audit_event(
                "bank_data_loaded", "source", berka.SOURCE, {"borrowers": borrowers, "events": new, "loans": loans}
            )
        self.stdout.write(f"{borrowers} new borrowers, {new} new events of {read}, {loans} new past loans")
