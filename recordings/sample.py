"""What `make up` shows on an empty database: signals made by code, called synthetic everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from recordings import synthetic
from recordings.intake.incoming import DATA, META, Incoming
from recordings.intake.services import create_session, end_session, take_in
from recordings.models import RecordingSession
from recordings.synthetic import Signal

SAMPLES = 1 << 16  # of each signal
RATE, FREQUENCY = 1_000_000.0, 433_920_000.0  # Hz
SESSIONS = {
    "Synthetic noise and carrier": ["noise", "carrier", "band-noise"],
    "Synthetic keying": ["bpsk", "qpsk", "fsk"],
}
REST = "Synthetic bursts"
DATATYPES = ["ci16_le", "cf32_le", "ci8", "cu8"]  # in turn, so that each is there
AUTHOR = "Millrace, made by code"


def load() -> str | None:
    """Store the sample unless there are sessions; its extraction is asked for. Returns a sentence about it, or None."""
    if RecordingSession.objects.exists():
        return None
    signals = synthetic.examples(SAMPLES)
    named = {name for names in SESSIONS.values() for name in names}
    sessions = SESSIONS | {REST: [one.name for one in signals if one.name not in named]}
    for name, names in sessions.items():
        store(name, [one for one in signals if one.name in names])
    return f"{len(signals)} synthetic recordings of {len(signals) * SAMPLES:,} samples in {len(sessions)} sessions"


def store(name: str, signals: Iterable[Signal]) -> None:
    """A completed session of these signals."""
    about = "Made by a seeded generator: the annotations say what is true of each."
    session = create_session(name=name, description=about, by=None, source=RecordingSession.Source.SYNTHETIC)
    for number, signal in enumerate(signals):
        datatype = DATATYPES[number % len(DATATYPES)]
        data = synthetic.quantised(signal.samples, datatype).tobytes()
        with Incoming(most=len(data)) as incoming:
            incoming.writer(META)(json.dumps(metadata(signal, datatype, number)).encode())
            incoming.writer(DATA)(data)
            take_in(incoming=incoming, session_id=session.pk, name=f"synthetic-{signal.name}")
    end_session(session_id=session.pk)


def metadata(signal: Signal, datatype: str, number: int) -> dict[str, Any]:
    """As SigMF: the truth stands in an annotation over all samples."""
    truth = ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                      for name, value in signal.truth.items() if value is not None)  # fmt: skip
    began = timezone.now() - timedelta(minutes=60 - number)
    return {
        "global": {
            "core:datatype": datatype,
            "core:version": "1.2.5",
            "core:sample_rate": RATE,
            "core:author": AUTHOR,
            "core:license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "core:description": f"Synthetic signal: {signal.name}",
        },
        "captures": [
            {"core:sample_start": 0, "core:frequency": FREQUENCY, "core:datetime": f"{began:%Y-%m-%dT%H:%M:%S.%f}Z"}
        ],
        "annotations": [
            {"core:sample_start": 0, "core:sample_count": int(np.size(signal.samples)), "core:label": "synthetic",
             "core:comment": truth}
        ],
    }  # fmt: skip
