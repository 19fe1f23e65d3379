"""Whole files read side by side: the way in for who computes over most of the events of an entity type."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from features.offline.columns import REPEATING, VALUE64
from features.offline.decimals import joined
from features.offline.storage import Storage, storage


def read_files(paths: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Columns of all events of these files, one file after the other; as `reader.events` gives them, but for `value`.

    That is decimal64 with as many decimals as any file needs, where every file has `value64`. Raises FileNotFoundError
    when a file has been removed: the paths were looked up too long ago.
    """
    place = storage()
    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        parts = list(threads.map(lambda path: _read(place, path, columns), paths))
    return joined(parts)


def _read(place: Storage, path: str, columns: Sequence[str]) -> pa.Table:
    repeating = [name for name in REPEATING if name in columns]
    with place.open(path) as source, pq.ParquetFile(source, read_dictionary=repeating) as file:
        narrow = "value" in columns and VALUE64 in file.schema_arrow.names
        asked = [VALUE64 if narrow and name == "value" else name for name in columns]
        return file.read(columns=asked, use_threads=False).select(asked).rename_columns(list(columns))
