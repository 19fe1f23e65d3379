"""Published sets of real reports, row by row in our words.

Boston: the city's Open311 API, 2008-2020. New Haven and Atlanta: SeeClickFix. New York: PublicStuff. The files hold no
e-mail addresses and no phone numbers; what looks like one is taken out all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reports.categories import OTHER
from reports.filing.public import masked
from reports.models import Report

Status = Report.Status
EASTERN = ZoneInfo("America/New_York")


class SetNotRead(Exception):
    """The file is not there, is not the set, or pyarrow is missing."""


@dataclass(frozen=True, slots=True)
class PastReport:
    """A report of a set. `note`: what staff wrote when they changed it last."""

    external_ref: str
    title: str
    description: str
    latitude: float
    longitude: float
    address: str
    category: str
    status: str
    reported_at: datetime
    updated_at: datetime  # not before
    note: str = ""
    confirmations: int = 0


BOSTON_CATEGORIES = {
    "Illegal Parking": "vehicle_parking",
    "Abandoned Vehicle": "vehicle_parking",
    "Sidewalk Not Shoveled": "snow_ice",
    "Unsafe Dangerous Conditions": "building",
    "Other": OTHER,
}
STATUSES = {
    "open": Status.RECEIVED,
    "submitted": Status.RECEIVED,
    "received": Status.ACKNOWLEDGED,
    "acknowledged": Status.ACKNOWLEDGED,
    "in progress": Status.IN_PROGRESS,
    "other": Status.ACKNOWLEDGED,
    "completed": Status.RESOLVED,
    "closed": Status.RESOLVED,
}


def boston(row: Mapping[str, Any]) -> PastReport:
    return PastReport(
        external_ref=f"boston:{row['service_request_id']}",
        title=row["service_name"],
        description=clean(row["description"]),
        latitude=row["lat"],
        longitude=row["long"],
        address=row["address"] or "",
        category=BOSTON_CATEGORIES.get(row["service_name"], OTHER),
        status=STATUSES[row["status"]],
        reported_at=(reported := datetime.fromisoformat(row["requested_datetime"])),
        updated_at=max(reported, datetime.fromisoformat(row["updated_datetime"])),
        note=clean(row["status_notes"]),
    )


def new_haven(row: Mapping[str, Any]) -> PastReport:
    told = "|".join(str(row[name]) for name in ("created_at", "lat", "lng", "summary"))
    return PastReport(
        external_ref=f"newhaven:{hashlib.sha256(told.encode()).hexdigest()[:24]}",  # the set has no numbers
        title=clean(row["summary"]),
        description=clean(row["description"]),
        latitude=row["lat"],
        longitude=row["lng"],
        address="",
        category=row["coarse_category"] or OTHER,
        status=STATUSES[row["status"].lower()],
        reported_at=(reported := datetime.fromisoformat(row["created_at"])),
        updated_at=reported,
    )


def new_york(row: Mapping[str, Any]) -> PastReport:
    reported = datetime.fromtimestamp(row["Date Created"], UTC)
    return PastReport(
        external_ref=f"publicstuff:{row['ID']}",
        title=clean(row["Title"]) or "Report",
        description=clean(row["Description"]),
        latitude=row["Latitude"],
        longitude=row["Longitude"],
        address=row["Address"] or "",
        category=row["coarse_category"] or OTHER,
        status=STATUSES[row["Status"]],
        reported_at=reported,
        updated_at=reported,
        confirmations=row["Num Of Supporters"],
    )


def atlanta(row: Mapping[str, Any]) -> PastReport:
    reported = datetime.strptime(row["created_at"], "%m/%d/%Y - %I:%M%p").replace(tzinfo=EASTERN)
    return PastReport(
        external_ref=f"atlanta:{row['id']}",
        title=clean(row["summary"]) or "Report",
        description=clean(row["description"]),
        latitude=row["lat"],
        longitude=row["lng"],
        address=row["address"] or "",
        category=row["coarse_category"] or OTHER,
        status=STATUSES[row["status"].lower()],
        reported_at=reported,
        updated_at=max(reported, datetime.fromisoformat(row["updated_at_raw"])),
        confirmations=row["vote_count"],
    )


@dataclass(frozen=True, slots=True)
class Published:
    file: str
    read: Callable[[Mapping[str, Any]], PastReport]


SETS = {
    "boston": Published("boston311.parquet", boston),
    "newhaven": Published("newhaven_scf.parquet", new_haven),
    "newyork": Published("publicstuff_nyc.parquet", new_york),
    "atlanta": Published("atlanta_scf.parquet", atlanta),
}


def clean(text: str | None) -> str:
    """Without what looks like an e-mail address or a phone number, and without NUL."""
    return masked(text).replace("\x00", "").strip() if text else ""


@contextmanager
def opened(name: str, folder: Path, *, batch_rows: int) -> Iterator[tuple[int, Iterator[list[PastReport]]]]:
    """How many rows a set has, and its reports batch by batch; no more than a few batches are in memory."""
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise SetNotRead("Parquet needs the packages of requirements/science.txt: pip install -r it.") from None
    path = folder / SETS[name].file
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ArrowInvalid) as error:
        raise SetNotRead(f"{path}: {error}") from None
    with file:
        yield file.metadata.num_rows, _batches(file, SETS[name], batch_rows, path)


def _batches(file: Any, published: Published, batch_rows: int, path: Path) -> Iterator[list[PastReport]]:
    for batch in file.iter_batches(batch_rows):
        try:
            yield [published.read(row) for row in batch.to_pylist()]
        except KeyError as error:
            raise SetNotRead(f"{path}: {error} is not known") from None
