"""SigMF recordings, made small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from recordings.datatypes import datatype_of
from recordings.layout import lay_out
from recordings.samples import Samples


def metadata(datatype: str = "ci16_le", *, captures: Any = None, annotations: Any = (), **told: Any) -> dict[str, Any]:
    """Metadata as SigMF asks for them; keywords are of the global part, without `core:`."""
    return {
        "global": {"core:datatype": datatype, "core:version": "1.2.5"}
        | {f"core:{name}": value for name, value in told.items()},
        "captures": [{"core:sample_start": 0}] if captures is None else captures,
        "annotations": list(annotations),
    }


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def iq(count: int = 1_000, seed: int = 1) -> bytes:
    """Noise as ci16_le."""
    return np.random.default_rng(seed).integers(-2_000, 2_000, 2 * count).astype("<i2").tobytes()


def samples_in(path: Path, datatype: str, *, size: int | None = None, origin: int = 0, **told: Any) -> Samples:
    """The samples of a file by metadata made here."""
    described = metadata(datatype, **told)
    layout = lay_out(described, path.stat().st_size - origin if size is None else size)
    channels = told.get("num_channels", 1)
    return Samples(path, datatype_of(datatype), layout, told.get("sample_rate"), channels, origin)
