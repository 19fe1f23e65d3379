"""Measured once, drawn, and stored, or noted as an error, whoever else does the same."""

import io
import os
from datetime import timedelta
from threading import Thread

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image

from recordings.extraction import files, pictures, scales
from recordings.extraction.services import NothingToExtract, extract_session
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from recordings.tasks import request_extraction, tidy_recordings
from tasks.models import Task
from tests.recordings.extracting import extract, measurement, run, session

pytestmark = pytest.mark.usefixtures("media")


def picture(media, name: str) -> Image.Image:
    image = Image.open(media / name)
    image.load()
    return image


@pytest.mark.django_db
def test_a_completed_session_is_measured_and_drawn(media):
    row = measurement(session())
    task = extract(row.session)
    assert task.status == "completed", task.error_traceback
    assert task.result == {"session_id": str(row.session_id), "measured": 1, "unreadable": 0}
    stored = MeasurementFeatures.objects.get()
    assert stored.measurement == row and stored.recording_session == row.session and str(stored.task_id) == str(task.pk)
    assert stored.numbers["mean_power_dbfs"] == pytest.approx(-6.02, abs=0.05)
    assert (stored.samples, stored.error) == (4_096, "")
    for name in (stored.spectrogram, stored.spectrum):
        image = picture(media, name)
        assert image.format == "PNG" and image.size == (pictures.WIDTH, pictures.HEIGHT)


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["recording", "failed"])
def test_a_session_that_is_not_completed_is_left_alone(status):
    row = measurement(session(status))
    assert extract(row.session).result["measured"] == 0
    assert not MeasurementFeatures.objects.exists()


@pytest.mark.django_db
def test_metadata_without_samples_are_not_extracted():
    row = measurement(session(), iq_data_location="")
    assert extract(row.session).result == {"session_id": str(row.session_id), "measured": 0, "unreadable": 0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"datatype": "cf128"}, "no datatype of SigMF"),
        ({"size_bytes": 10**10}, "shorter"),
        ({"metadata": {"global": {"core:datatype": "cf32_le"}, "captures": [{"core:sample_start": 10**9}]}}, "behind"),
    ],
)
def test_samples_that_contradict_their_metadata_are_an_error_and_hold_up_no_other(media, lie, sentence):
    of = session()
    liar, good = measurement(of, **lie), measurement(of)
    task = extract(of)
    assert task.status == "completed" and task.result["measured"] == task.result["unreadable"] == 1
    assert sentence in liar.features.error and liar.features.numbers is None
    assert not (media / files.name_of(liar.pk, "spectrum")).exists()
    assert good.features.numbers and good.features.error == ""


@pytest.mark.django_db
def test_a_file_that_is_away_is_tried_again_and_holds_up_no_other():
    of = session()
    away, good = measurement(of), measurement(of)
    there = away.path.rename(away.path.with_suffix(".away"))
    task = extract(of)
    assert (task.status, task.attempt) == ("pending", 1) and "cannot be read" in task.attempts.get().error_message
    assert set(MeasurementFeatures.objects.values_list("pk", flat=True)) == {good.pk}
    there.rename(away.path)
    Task.objects.update(run_after=timezone.now())
    assert run(task.pk).result["measured"] == 1
    assert MeasurementFeatures.objects.count() == 2


@pytest.mark.django_db
def test_nobody_changes_what_was_measured():
    row = measurement(session())
    extract(row.session)
    with pytest.raises(Exception, match="Cannot update"):
        MeasurementFeatures.objects.update(error="x", numbers=None)


@pytest.mark.django_db
def test_an_extraction_that_waits_is_joined():
    of = session()
    assert request_extraction(of.pk) == request_extraction(of.pk, priority=0)
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_tasks_at_once_store_one_row():
    """Each measures; the database decides whose row it is."""
    from recordings.extraction import work

    row = measurement(session())
    [ours], [theirs] = work.waiting(row.session_id), work.waiting(row.session_id)

    def store(one):
        work.extract(one, task_id=None, tell=lambda share: None, fence=lambda: None)
        connection.close()

    threads = [Thread(target=store, args=[one]) for one in (ours, theirs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert MeasurementFeatures.objects.filter(error="").count() == 1


@pytest.mark.django_db
def test_a_measurement_that_is_deleted_meanwhile_leaves_no_row():
    from recordings.extraction import work

    [row] = work.waiting(measurement(session()).session_id)
    Measurement.objects.all().delete()
    work.extract(row, task_id=None, tell=lambda share: None, fence=lambda: None)
    assert not MeasurementFeatures.objects.exists()


@pytest.mark.django_db
def test_an_attempt_that_lost_its_lease_stores_nothing():
    from recordings.extraction import work
    from tasks.definitions import LeaseLost

    [row] = work.waiting(measurement(session()).session_id)

    def lost():
        raise LeaseLost

    with pytest.raises(LeaseLost):
        work.extract(row, task_id=None, tell=lambda share: None, fence=lost)
    assert not MeasurementFeatures.objects.exists()


@pytest.mark.django_db
def test_progress_tells_the_share_of_the_samples():
    from recordings.extraction import work

    told = []
    [row] = work.waiting(measurement(session()).session_id)
    work.extract(row, task_id=None, tell=told.append, fence=lambda: None)
    assert told and all(0 <= share <= 1 for share in told) and told[-1] == 1


@pytest.mark.django_db
def test_what_could_not_be_read_is_tried_again_when_staff_ask():
    of = session()
    liar = measurement(of, size_bytes=10**10)
    extract(of)
    Measurement.objects.update(size_bytes=4_096 * 8)
    assert run(extract_session(session_id=of.pk)).result["measured"] == 1
    assert MeasurementFeatures.objects.get().error == "" and liar.pk == MeasurementFeatures.objects.get().pk
    with pytest.raises(NothingToExtract, match="All its measurements"):
        extract_session(session_id=of.pk)
    RecordingSession.objects.update(status="recording")
    with pytest.raises(NothingToExtract, match="only a completed one"):
        extract_session(session_id=of.pk)


@pytest.mark.django_db
def test_pictures_that_belong_to_no_measurement_are_removed_after_an_hour(media):
    row = measurement(session())
    extract(row.session)
    kept = {media / name for name in (row.features.spectrogram, row.features.spectrum)}
    orphan, part, young = (media / files.name_of(row.session_id, kind) for kind in ("spectrum", "x", "spectrogram"))
    for path in (orphan, part.with_suffix(".part"), young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    old = (timezone.now() - timedelta(hours=2)).timestamp()
    for path in (orphan, part.with_suffix(".part"), *kept):
        os.utime(path, (old, old))
    assert tidy_recordings.func() == {"samples": 0, "pictures": 2}
    assert {path for path in (media / files.FOLDER).rglob("*.*")} == {*kept, young}


def test_a_picture_survives_silence_nothing_and_infinity():
    across, down = scales.frequency_axis(-0.5, 0.5, rate=None, centre=None), scales.time_axis(0, rate=None)
    for levels in (np.full((4, 4), -np.inf), np.full((1, 1), 0.0), np.array([[np.nan, np.inf], [-30.0, -20.0]])):
        drawn = pictures.draw_spectrogram(levels, title="x\x00\u2028" * 99, across=across, down=down)
        assert Image.open(io.BytesIO(drawn)).size == (pictures.WIDTH, pictures.HEIGHT)
        assert pictures.draw_spectrum(levels[0], title="", across=across)


@pytest.mark.parametrize(
    ("axis", "title", "labels"),
    [
        (
            scales.frequency_axis(-0.5, 0.5, rate=2e6, centre=433.92e6),
            "Frequency (MHz, from 433.92 MHz)",
            "-1.0 -0.5 0.0 0.5 1.0",
        ),
        (scales.frequency_axis(0, 0.5, rate=48_000, centre=None), "Frequency (kHz)", "0 10 20"),
        (scales.frequency_axis(0, 0.5, rate=None, centre=None), "Frequency (cycles per sample)", "0.0 0.2 0.4"),
        (scales.time_axis(1_000, rate=1e6), "Time (µs)", "0 500 1,000"),
        (scales.time_axis(480_000, rate=48_000), "Time (s)", "0 5 10"),
        (scales.time_axis(2_000_000, rate=None), "Time (million samples)", "0.0 0.5 1.0 1.5 2.0"),
        (scales.time_axis(800, rate=None), "Time (samples)", "0 200 400 600 800"),
    ],
)
def test_axes_are_in_units_that_are_read_easily(axis, title, labels):
    assert axis.title == title and " ".join(label for _, label in scales.ticks(axis, 4)) == labels
