"""What `make up` shows on an empty database: made-up borrowers of a seeded generator, called synthetic everywhere."""

from __future__ import annotations

from django.utils import timezone

from features.services import request_refresh
from loans import loader, synthetic
from loans.models import Borrower

# Numbers set aside for fiction, so that nobody's phone is in the sample.
PHONES = [f"+1202555{number:04d}" for number in range(100, 200)]


def load() -> str | None:
    """Store the sample unless there are borrowers; returns a sentence about it, or None."""
    if Borrower.objects.exists():
        return None
    sample = synthetic.generate(now=timezone.now())
    borrowers = loader.store_borrowers(sample.borrowers, phones=iter(PHONES))
    events = sum(done.added for done in loader.store_events(sample.events))
    loans = loader.store_loans(sample.loans)
    request_refresh("borrower")
    return f"{borrowers} synthetic borrowers with {events} bank movements and {loans} past loans"
