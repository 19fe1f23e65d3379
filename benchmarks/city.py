"""Invented reports in number: a dense centre, many quarters, eleven years; stored as published sets are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from accounts.models import User
from benchmarks.data import vacuum
from reports.categories import CATEGORIES
from reports.models import Category, Report
from reports.places import cell_of
from reports.sentences import SENTENCES
from reports.synthetic import WEIGHTS
from reports.volume import copying
from reports.volume.sets import PastReport

CENTRE = (42.3555, -71.0603)
SPREADS = [0.002, 0.01, 0.04]  # degrees: a tenth of the reports lies within a few blocks
ENDS = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 4_000
STATUSES = {"resolved": 90, "received": 6, "acknowledged": 3, "in_progress": 1}
BATCH = 5_000


def reports(count: int) -> Iterator[PastReport]:
    """Oldest first, as they would arrive."""
    chosen = random.Random(311)
    quarters = [[chosen.gauss(middle, 0.04) for middle in CENTRE] for _ in range(300)]
    codes = [one.code for one in CATEGORIES]
    kinds = chosen.choices(codes, [WEIGHTS.get(code, 1) for code in codes], k=count)
    ends = chosen.choices(list(STATUSES), list(STATUSES.values()), k=count)
    for number in range(count):
        spread = chosen.choices(SPREADS, [1, 4, 5])[0]
        middle = CENTRE if spread == SPREADS[0] else chosen.choice(quarters)
        reported = ENDS - timedelta(days=DAYS * (count - number) / count)
        title, description = chosen.choice(SENTENCES.get(kinds[number]) or SENTENCES["sanitation"])
        words = {"spot": f"{number % 900} Elm St", "thing": "bakery", "days": number % 9}
        yield PastReport(
            external_ref=f"synthetic:{number}",
            title=title.format(**words),
            description=description.format(**words),
            latitude=chosen.gauss(middle[0], spread),
            longitude=chosen.gauss(middle[1], spread),
            address=f"{number % 900} Elm St, Springfield",
            category=kinds[number],
            status=ends[number],
            reported_at=reported,
            updated_at=reported + timedelta(hours=chosen.expovariate(1 / 60)),
            note="" if ends[number] == "received" else "Somebody looked at it.",
        )


def arrivals(count: int, residents: Sequence[User]) -> Iterator[Report]:
    """Reports that residents file at the end of all that, with words and places of those before; not stored."""
    chosen = random.Random(911)
    for number, past in enumerate(chosen.sample(list(reports(10 * count)), count)):
        yield Report(
            reporter=chosen.choice(residents),
            title=past.title,
            description=past.description,
            latitude=past.latitude,
            longitude=past.longitude,
            cell=cell_of(past.latitude, past.longitude),
            address=past.address,
            reported_at=ENDS + timedelta(seconds=number),
        )


def fill(count: int) -> None:
    departments = dict(Category.objects.values_list("code", "department_id"))
    rows = reports(count)
    while batch := list(islice(rows, BATCH)):
        copying.store(batch, departments)
    vacuum("reports_report", "reports_statuschange")


def give_to(user_id: int, *, every: int) -> None:
    """Some reports become somebody's own."""
    Report.objects.filter(id__in=Report.objects.order_by("id").values_list("id", flat=True)[::every]).update(
        reporter_id=user_id
    )
