"""Reports of a city whose staff noted which ones are duplicates, and parts of them that know nothing of each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reports.duplicates.pairs import METRES_PER_DEGREE, RADIUS_M, WINDOW_DAYS, Floats
from reports.duplicates.sketch import Sketch, sketch

REPORTS, DECISIONS = "boston311.parquet", "boston311_duplicates.parquet"
COLUMNS = (
    "service_request_id", "service_name", "description", "address", "lat", "long", "requested_datetime", "status",
    "updated_datetime",
)  # fmt: skip
CATEGORY_OF = {
    "Illegal Parking": "vehicle_parking",
    "Abandoned Vehicle": "vehicle_parking",
    "Sidewalk Not Shoveled": "snow_ice",
}
CELL_M = 100.0
DAY_S = 86_400.0
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class City:
    """Columns in order of arrival. closed: when; infinite where it never was. Times in seconds since 1970.

    duplicate: staff closed it as one. originals: rows of those they named, which are not always earlier or near.
    group: number of a set of grid cells that pairs tie together. at: metres east and north, for neighbours.
    """

    sketches: list[Sketch]
    categories: list[str]
    latitude: Floats
    longitude: Floats
    arrived: Floats
    closed: Floats
    duplicate: NDArray[np.bool_]
    originals: list[tuple[int, ...]]
    group: Ints
    at: Floats
    sha256: str

    def __len__(self) -> int:
        return len(self.arrived)

    def within_reach(self, row: int) -> bool:
        """Whether an original that staff named is earlier, near and recent enough to be searched for."""
        for original in self.originals[row]:
            days = (self.arrived[row] - self.arrived[original]) / DAY_S
            if 0 < days <= WINDOW_DAYS and np.hypot(*(self.at[row] - self.at[original])) <= RADIUS_M:
                return True
        return False


def read(folder: Path) -> City:
    """What a report says when it arrives, when it was closed, and the verdicts. Notes of the staff are not read."""
    table = pq.read_table(folder / REPORTS, columns=list(COLUMNS))
    found = {name: table[name].to_pylist() for name in COLUMNS}
    arrived = np.array([moment(text) for text in found["requested_datetime"]])
    order = np.lexsort((found["service_request_id"], arrived))
    found = {name: [values[row] for row in order] for name, values in found.items()}
    row_of = {key: row for row, key in enumerate(found["service_request_id"])}
    duplicate = np.zeros(len(order), dtype=bool)
    originals: list[tuple[int, ...]] = [()] * len(order)
    for one in pq.read_table(folder / DECISIONS).to_pylist():
        row, named = row_of[one["service_request_id"]], row_of.get(one["duplicate_of"])
        duplicate[row] = True
        if named is not None:
            originals[row] = (*originals[row], named)
    latitude, longitude = np.array(found["lat"], dtype=float), np.array(found["long"], dtype=float)
    shrink = np.cos(np.radians(np.median(latitude)))
    at = np.column_stack([longitude * shrink, latitude]) * METRES_PER_DEGREE
    ended = [
        moment(text) if status == "closed" else np.inf
        for text, status in zip(found["updated_datetime"], found["status"], strict=True)
    ]
    told = zip(found["description"], found["address"], strict=True)
    return City(
        sketches=[sketch(text or "", address or "") for text, address in told],
        categories=[CATEGORY_OF.get(name, "other") for name in found["service_name"]],
        latitude=latitude,
        longitude=longitude,
        arrived=arrived[order],
        closed=np.array(ended),
        duplicate=duplicate,
        originals=originals,
        group=groups(at, originals),
        at=at,
        sha256=files_sha256(folder / REPORTS, folder / DECISIONS),
    )


def groups(at: Floats, originals: list[tuple[int, ...]]) -> Ints:
    """Grid cells of about 100 m; those that a pair ties together are one."""
    _, cells = np.unique(np.floor(at / CELL_M), axis=0, return_inverse=True)
    parent = list(range(int(cells.max()) + 1))

    def root(cell: int) -> int:
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for row, named in enumerate(originals):
        for original in named:
            parent[root(int(cells[row]))] = root(int(cells[original]))
    return np.array([root(int(cell)) for cell in cells])


def part(group: Ints, parts: int, salt: str) -> Ints:
    """Which of so many parts each group falls in, by its hash: the same in each run."""
    known = {
        one: int(hashlib.sha256(f"{salt}:{one}".encode()).hexdigest()[:12], 16) % parts
        for one in map(int, np.unique(group))
    }
    return np.array([known[int(one)] for one in group])


def moment(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


def files_sha256(*paths: Path) -> str:
    digest: Any = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
