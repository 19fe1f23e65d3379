"""The file of a dataset: written in parts beside its place, and put there whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet

from features.training.models import Format

FORMULA = "^[=+\\-@\\t\\r]"  # what a spreadsheet would run


@contextmanager
def writing(path: Path, format: str, schema: pa.Schema) -> Iterator[Any]:
    """A function that adds a table to the file. The file appears at the end, and not at all after an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            with _writer(file, format, schema) as writer:
                yield lambda table: writer.write_table(_plain(table) if format == Format.CSV else table)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(file: Any, format: str, schema: pa.Schema) -> Any:
    if format == Format.PARQUET:
        return parquet.ParquetWriter(file, schema, compression="zstd", compression_level=3)
    if format == Format.ARROW:
        return ipc.new_file(file, schema)
    return csv.CSVWriter(file, _plain(schema.empty_table()).schema)


def _plain(table: pa.Table) -> pa.Table:
    """As text for people and spreadsheets: decimals without trailing zeros, and no text that begins like a formula.

    Such a text gets an apostrophe before it, as spreadsheets write it.
    """
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_decimal(column.type):
            column = pa.array([None if value is None else _digits(value) for value in column.to_pylist()], pa.string())
        elif pa.types.is_string(column.type):
            column = pc.if_else(
                pc.match_substring_regex(column, FORMULA), pc.binary_join_element_wise("'", column, ""), column
            )
        columns[name] = column
    return pa.table(columns)


def _digits(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def hashed(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
