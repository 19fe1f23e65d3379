"""The public table eudirectlapse: renewal quotes of a motor insurer, with the premium, the instalments and whether the
quote was taken.

Source: C. Dutang and A. Charpentier, CASdatasets, table eudirectlapse (GPL). Premiums are in EUR and kept as the
numbers they are. The table has no times, customers or payments; those are invented around its rows (synthetic.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from policies.synthetic import Life, Offer, Policyholder, money

SOURCE = "eudirectlapse+synthetic"
FILE = "quotes_eudirectlapse.parquet"
COLUMNS = ["prem_final", "prem_freqperyear", "lapse"]
BATCH_ROWS = 8192


def read_policyholders(folder: Path, *, now: datetime, seed: int) -> Iterator[Policyholder]:
    """One policyholder for each row of the table, in its order. Same seed and `now`: same people."""
    for number, offer in enumerate(read_offers(folder)):
        yield Life(random.Random(f"{seed}:{number}"), f"{SOURCE}:{seed}:{number}", now).lived(offer)


def read_offers(folder: Path) -> Iterator[Offer]:
    import pyarrow.parquet as parquet  # only where the data is

    for batch in parquet.ParquetFile(folder / FILE).iter_batches(BATCH_ROWS, columns=COLUMNS):
        columns = [batch.column(name).to_pylist() for name in COLUMNS]
        for premium, frequency, lapse in zip(*columns, strict=True):
            yield Offer(money(premium), int(frequency.split()[0]), taken=not lapse)
