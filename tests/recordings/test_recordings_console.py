"""Recordings in the console, and their pictures by URL."""

import pytest

from audit.models import Entry
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from tasks.models import Task
from tests import makers
from tests.console.conftest import staff, told  # noqa: F401 - a fixture
from tests.recordings.extracting import extract, measurement, session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
SESSIONS, MEASUREMENTS = "/admin/recordings/recordingsession/", "/admin/recordings/measurement/"


@pytest.fixture
def measured():
    row = measurement(session(), frequency=433.92e6)
    extract(row.session)
    return row


def picture(row, kind="spectrogram"):
    return f"/api/v1/recordings/measurements/{row.pk}/{kind}.png"


def shown(browser, page: str) -> str:
    answer = browser.get(page)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_tells_what_was_received_and_measured(staff, measured):  # noqa: F811
    waits = measurement(session())
    page = shown(staff("analyst"), MEASUREMENTS)
    for word in (measured.name, "cf32_le", "48 kHz", "85 ms", "433.92 MHz", "measured", "waits", waits.name, "dB"):
        assert word in page, word
    assert waits.name not in shown(staff("analyst"), f"{MEASUREMENTS}?features=measured")
    assert measured.name not in shown(staff("analyst"), f"{MEASUREMENTS}?features=wait")


def test_a_measurement_shows_its_pictures_numbers_metadata_and_task(staff, measured):  # noqa: F811
    page = shown(staff("operator"), f"{MEASUREMENTS}{measured.pk}/change/")
    task = Task.objects.get(name="recordings.extract_recording_features")
    for word in (f'src="{picture(measured)}"', f'src="{picture(measured, "spectrum")}"', "mean_power_dbfs", "dBFS",
                 "core:sample_rate", f"/admin/tasks/task/{task.pk}/change/", "version"):  # fmt: skip
        assert word in page, word
    browser = staff("operator")
    for kind in ("spectrogram", "spectrum"):
        answer = browser.get(picture(measured, kind))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")


def test_what_cannot_be_read_says_why(staff):  # noqa: F811
    row = measurement(session(), size_bytes=10**10)
    extract(row.session)
    page = shown(staff("analyst"), f"{MEASUREMENTS}{row.pk}/change/")
    assert "The samples cannot be read" in page and "shorter than" in page and "<img" not in page.split("</nav>")[-1]
    assert "cannot be read" in shown(staff("analyst"), f"{SESSIONS}coverage/")


def test_silence_is_measured_and_has_no_picture(staff):  # noqa: F811
    import numpy as np

    row = measurement(session(), samples=np.zeros(10, np.complex64))
    extract(row.session)
    stored = MeasurementFeatures.objects.get()
    assert stored.numbers and (stored.spectrogram, stored.spectrum) == ("", "")
    assert shown(staff("analyst"), f"{MEASUREMENTS}{row.pk}/change/")
    assert staff("analyst").get(picture(row)).status_code == 404


def test_a_session_shows_its_measurements_and_is_extracted_by_a_press(staff):  # noqa: F811
    row = measurement(session())
    operator, page = staff("operator"), f"{SESSIONS}{row.session_id}/change/"
    assert row.name in shown(operator, page) and 'id="button-extract"' in shown(operator, page)
    answer = operator.post(f"{SESSIONS}{row.session_id}/extract/", {"reason": "asked by phone"}, follow=True)
    assert told(answer) == ["The extraction was started; this is its task."]
    task = Task.objects.get(name="recordings.extract_recording_features")
    assert task.requested_by == operator.person and task.subject_id == str(row.session_id)
    entry = Entry.objects.get(action="recording_extraction_requested")
    assert (entry.entity_id, entry.metadata["reason"]) == (str(row.session_id), "asked by phone")


def test_a_session_with_all_its_features_refuses_with_a_sentence(staff, measured):  # noqa: F811
    answer = staff("operator").post(f"{SESSIONS}{measured.session_id}/extract/", {"reason": ""}, follow=True)
    assert told(answer) == ["All its measurements with IQ data have features."]


def test_a_session_is_completed_or_given_up_once(staff):  # noqa: F811
    row, other = measurement(session("recording")), session("recording")
    operator = staff("operator")
    answer = operator.post(f"{SESSIONS}{row.session_id}/complete/", {"reason": "over"}, follow=True)
    assert told(answer) == ["The session is completed, and its extraction was asked for."]
    assert Task.objects.get(name="recordings.extract_recording_features").subject_id == str(row.session_id)
    assert Entry.objects.get(action="recording_session_completed").metadata == {"measurements": 1, "reason": "over"}
    again = operator.post(f"{SESSIONS}{row.session_id}/fail/", {"reason": "late"}, follow=True)
    assert told(again) == ["The session is completed; it takes nothing more."]
    assert told(operator.post(f"{SESSIONS}{other.pk}/fail/", {"reason": "rain"}, follow=True))
    assert list(RecordingSession.objects.order_by("pk").values_list("status", flat=True)) == ["completed", "failed"]


@pytest.mark.parametrize(
    ("button", "task"),
    [("batch", "recordings.batch_feature_extraction"), ("backfill", "recordings.backfill_all_features")],
)
def test_batches_and_backfills_show_the_count_first(staff, button, task):  # noqa: F811
    measurement(session()), measurement(session()), measurement(session("recording"))
    operator = staff("operator")
    [panel] = operator.get(f"{SESSIONS}{button}/").context["panels"]
    assert (panel.title, panel.value) == ("Recordings that wait", "2") and not Task.objects.exists()
    operator.post(f"{SESSIONS}{button}/", {"batch_size": 7, "max_batches": 3, "reason": "x"})
    assert Task.objects.get(name=task).kwargs == {"batch_size": 7, "max_batches": 3}
    assert operator.post(f"{SESSIONS}{button}/", {"batch_size": 0, "max_batches": 3}).context["form"].errors


def test_analysts_look_and_press_nothing(staff):  # noqa: F811
    row, analyst = measurement(session()), staff("analyst")
    assert "button-extract" not in shown(analyst, f"{SESSIONS}{row.session_id}/change/")
    assert "button-backfill" not in shown(analyst, f"{SESSIONS}coverage/")
    for address in (f"{row.session_id}/extract/", "batch/", "backfill/"):
        assert analyst.post(f"{SESSIONS}{address}", {"batch_size": 1, "max_batches": 1}).status_code == 403


def test_the_dashboard_counts_recordings(staff, measured):  # noqa: F811
    measurement(session())
    [card] = [
        one for one in staff("analyst").get("/admin/").context["numbers"] if one.title == "Recordings with features"
    ]
    assert (card.value, card.note) == ("50 %", "1 of 2; 1 wait, 0 unreadable")


def test_a_picture_is_seen_by_who_may_see_the_measurement_and_by_no_other(measured):
    owner = makers.user("service")
    RecordingSession.objects.update(created_by=owner)
    for person, status in [(owner, 200), (makers.user("analyst"), 200), (makers.user("service"), 404),
                           (makers.user("reviewer"), 403)]:  # fmt: skip
        assert makers.client(person).get(picture(measured)).status_code == status
    assert (
        makers.client(owner).get(picture(measured).replace(str(measured.pk), str(measured.session_id))).status_code
        == 404
    )


def test_a_measurement_over_http_names_its_pictures(measured):
    analyst = makers.client(makers.user("analyst"))
    links = analyst.get(f"/api/v1/recordings/measurements/{measured.pk}").json()["links"]
    assert {links["spectrogram"], links["spectrum"]} == {picture(measured), picture(measured, "spectrum")}
    waits = measurement(session())
    assert "spectrum" not in analyst.get(f"/api/v1/recordings/measurements/{waits.pk}").json()["links"]


def test_an_unchanged_picture_is_not_sent_twice(measured):
    analyst = makers.client(makers.user("analyst"))
    answer = analyst.get(picture(measured))
    assert answer["Cache-Control"].startswith("private") and b"".join(answer.streaming_content)[:4] == b"\x89PNG"
    assert analyst.get(picture(measured), HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    assert analyst.get(f"{picture(measured)}?colour=red").status_code == 400


def test_a_picture_that_is_not_there_is_no_error(measured, media):
    analyst = makers.client(makers.user("analyst"))
    (media / measured.features.spectrogram).unlink()
    assert analyst.get(picture(measured)).status_code == 404
    Measurement.objects.all().delete()
    assert analyst.get(picture(measured, "spectrum")).status_code == 404
