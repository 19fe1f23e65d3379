"""Sessions with small real files, and their extraction here and now."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np

RATE = 48_000.0


def session(status: str = "completed", **fields: Any):
    from recordings.models import RecordingSession

    return RecordingSession.objects.create(name="Roof antenna", status=status, **fields)


def measurement(of: Any, *, samples: np.ndarray | None = None, **fields: Any):
    """A measurement of a tone, or of these samples, in a file below MEDIA_ROOT."""
    from django.conf import settings

    from recordings import synthetic
    from recordings.models import Measurement

    if samples is None:
        samples = synthetic.tone(4_096, offset=0.1, power=0.25) + synthetic.noise(4_096, seed=1, power=1e-4)
    data = samples.astype("<c8").tobytes()
    name = f"recordings/{uuid4()}.sigmf-data"
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    metadata = {
        "global": {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:sample_rate": RATE},
        "captures": [{"core:sample_start": 0}],
        "annotations": [],
    }
    values = {
        "name": f"tone {uuid4().hex[:6]}",
        "datatype": "cf32_le",
        "sample_rate": RATE,
        "sample_count": len(samples),
        "size_bytes": len(data),
        "iq_data_location": name,
        "metadata": metadata,
    }
    return Measurement.objects.create(session=of, **values | fields)


def run(task_id: str):
    """Run a task here and now; returns its row."""
    from tasks.execution import run_task
    from tasks.models import Task

    run_task(task_id)
    return Task.objects.get(pk=task_id)


def extract(of: Any):
    from recordings.tasks import request_extraction

    return run(request_extraction(of.pk))
