"""A worker that is killed in the middle of a session loses nothing and doubles nothing."""

import os
import signal

import numpy as np
import psutil
import pytest

from recordings.models import MeasurementFeatures
from recordings.tasks import request_extraction
from tasks.models import Status, Task
from tests.processes import eventually
from tests.recordings.extracting import measurement, session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
MEASUREMENTS, SAMPLES = 6, 1 << 20


def test_a_killed_work_horse_goes_on_where_it_was(processes, media):
    of, noise = session(), np.random.default_rng(1).standard_normal(2 * SAMPLES, np.float32).view(np.complex64)
    for _ in range(MEASUREMENTS):
        measurement(of, samples=noise)
    worker = processes.worker(MEDIA_ROOT=str(media))
    task_id = request_extraction(of.pk)
    eventually(lambda: MeasurementFeatures.objects.count() >= 2, log=processes.log)
    for horse in psutil.Process(worker.pid).children(recursive=True):
        os.kill(horse.pid, signal.SIGKILL)
    before = list(MeasurementFeatures.objects.values_list("pk", "computed_at"))
    assert 2 <= len(before) < MEASUREMENTS
    processes.scheduler(MEDIA_ROOT=str(media))
    task = eventually(lambda: Task.objects.filter(pk=task_id, status=Status.COMPLETED).first(), log=processes.log)
    assert (task.crashes, task.attempt) == (1, 2)
    assert MeasurementFeatures.objects.filter(error="").count() == MEASUREMENTS
    assert set(before) <= set(MeasurementFeatures.objects.values_list("pk", "computed_at"))
