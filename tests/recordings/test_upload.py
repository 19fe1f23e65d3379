"""Recordings over HTTP: what comes in is checked while it comes, and nothing stays of what is refused."""

import hashlib
import io
import json
import os
import threading
import time
import uuid

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from audit.models import Entry
from recordings.intake import files
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from recordings.samples import open_samples
from tests import makers
from tests.recordings.makers import as_json, iq, metadata
from tests.recordings.test_archive import odd, tar

pytestmark = pytest.mark.django_db
SESSIONS = "/api/v1/recordings/sessions/"
BOUNDARY = "a-line-between"


def begin(client, **told) -> str:
    """The address of a new session."""
    answer = client.post(SESSIONS, {"name": "Roof", **told}, format="json")
    assert answer.status_code == 201, answer.json()
    return answer["Location"]


def named(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def send(client, session: str, document=None, data: bytes | None = None, *, stem="one", archive=None, **fields):
    sent = dict(fields)
    if document is not None:
        sent["meta"] = named(f"{stem}.sigmf-meta", document if isinstance(document, bytes) else as_json(document))
    if data is not None:
        sent["data"] = named(f"{stem}.sigmf-data", data)
    if archive is not None:
        sent["archive"] = named(f"{stem}.sigmf", archive)
    return client.post(f"{session}/measurements", sent, format="multipart")


def on_disk(media) -> list[str]:
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def both(document, data: bytes, stem="one", more=None) -> bytes:
    files = {f"{stem}/{stem}.sigmf-meta": as_json(document), f"{stem}/{stem}.sigmf-data": data} | (more or {})
    return tar(*files.items())


def test_a_recording_comes_in_whole_and_its_samples_can_be_read(receiver, media):
    session = begin(receiver, description="Antenna 2")
    data = iq(70_000)  # more than one piece of the form
    captures = [{"core:sample_start": 0, "core:frequency": 868e6, "core:datetime": "2025-11-15T17:34:32Z"}]
    answer = send(receiver, session, metadata(sample_rate=48_000, captures=captures), data)
    assert answer.status_code == 201, answer.json()
    body = answer.json()
    assert (body["name"], body["datatype"], body["sample_count"]) == ("one", "ci16_le", 70_000)
    assert (body["sample_rate"], body["frequency"], body["duration_s"]) == (48_000.0, 868e6, 70_000 / 48_000)
    assert (body["captured_at"], body["notes"], body["features"]) == ("2025-11-15T17:34:32Z", [], None)
    assert body["sha512"] == hashlib.sha512(data).hexdigest()
    row = Measurement.objects.get(pk=body["id"])
    assert row.path.read_bytes() == data and on_disk(media) == [row.path.name] and row.path.stem != "one"
    assert np.array_equal(open_samples(row).read(0, 1), [complex(*np.frombuffer(data[:4], "<i2") / 32_768)])
    assert receiver.get(answer["Location"]).json() == body
    assert Entry.objects.filter(action="measurement_added", entity_id=body["id"]).count() == 1


def test_an_archive_is_taken_apart_while_it_comes(receiver, media):
    session, data = begin(receiver), iq(40_000)
    answer = send(receiver, session, archive=both(metadata(), data, more={"one/readme.txt": b"hello"}), name="Ours")
    assert answer.status_code == 201, answer.json()
    row = Measurement.objects.get()
    assert (row.name, row.notes) == ("Ours", ["Left out of the archive: readme.txt."])
    assert row.path.read_bytes() == data and len(on_disk(media)) == 1


def test_metadata_alone_must_say_so(receiver, media):
    session = begin(receiver)
    assert "core:metadata_only" in send(receiver, session, metadata()).json()["detail"]
    answer = send(receiver, session, metadata(metadata_only=True))
    assert answer.status_code == 201 and answer.json()["sample_count"] == 0
    assert answer.json()["links"].keys() == {"sigmf-meta"} and not on_disk(media)


def test_what_is_odd_is_taken_and_told(receiver):
    annotations = [{"core:sample_start": 5}, {"core:sample_start": 8, "core:sample_count": 9}]
    answer = send(receiver, begin(receiver), metadata(annotations=annotations), bytes(43))
    assert answer.json()["notes"] == [
        "The last 3 bytes are no whole sample and are left out.",
        "Annotation 2 reaches 7 samples beyond the data.",
    ]


LYING = metadata(captures=[{"core:sample_start": 11}])


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ({"data": iq()}, 400, "no metadata"),
        ({"document": b"{", "data": iq()}, 400, "not valid JSON"),
        ({"document": metadata("cf99_le"), "data": iq()}, 400, "core:datatype"),
        ({"document": metadata(description="\ud800"), "data": iq()}, 400, "surrogates"),
        ({"document": metadata(), "data": b""}, 400, "no sample"),
        ({"document": metadata(), "data": b"abc"}, 400, "no sample"),
        ({"document": LYING, "data": iq(10)}, 400, "behind the end"),
        ({"document": metadata(annotations=[{"core:sample_start": 10}]), "data": iq(10)}, 400, "Annotation 1"),
        ({"document": metadata(trailing_bytes=10 << 30), "data": iq()}, 400, "trailing_bytes"),
        ({"document": metadata(captures=[{"core:sample_start": 0, "core:header_bytes": 10 << 30}]), "data": iq()}, 400,
         "behind the end"),
        ({"document": metadata(sha512="0" * 128), "data": iq()}, 400, "cut short"),
        ({"document": metadata(metadata_only=True), "data": iq()}, 400, "but there are data"),
        ({"document": metadata(), "data": bytes(200_001)}, 413, "200,000 bytes"),
        ({"document": metadata(), "data": bytes(9 << 20)}, 413, "200,000 bytes"),
        ({"document": b" " * (5 << 20), "data": iq()}, 413, "4 MiB"),
        ({"document": metadata(), "archive": b""}, 400, "comes alone"),
        ({"archive": both(metadata(), iq())[:2_000]}, 400, "cut short"),
        ({"archive": both(metadata(), iq(), stem="../one")}, 400, "leads out"),
        ({"archive": tar(odd(b"2", linkname="/etc/passwd"))}, 400, "a link"),
        ({"archive": odd(size=10 << 30, name="x.sigmf-meta").tobuf()}, 413, "4 MiB"),
        ({"archive": odd(size=10 << 30, name="x.sigmf-data").tobuf()}, 413, "200,000 bytes"),
        ({"archive": both(metadata(), iq(), more={"two.sigmf-meta": b"{}"})}, 400, "more than one"),
        ({"archive": tar(("one.sigmf-meta", as_json(metadata())))}, 400, "no data"),
        ({"archive": b"\x1f\x8b\x08" + bytes(900)}, 400, "gzip"),
        ({"document": metadata(), "data": iq(), "more": "x"}, 400, "not known"),
        ({"document": metadata(), "data": iq(), "name": "x" * 201}, 400, "200"),
        ({"document": metadata(), "data": iq(), "name": "a\x00b"}, 400, "Null"),
        ({"other": SimpleUploadedFile("a.wav", b"RIFF")}, 400, "Neither"),
        ({}, 400, ""),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_neither_row_nor_file(receiver, media, settings, sent, status, says):
    settings.RECORDING_MAX_BYTES = 200_000
    answer = send(receiver, begin(receiver), sent.pop("document", None), sent.pop("data", None), **sent)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert says in json.dumps(answer.json())
    assert not Measurement.objects.exists() and not on_disk(media)


def form(document, data: bytes) -> bytes:
    parts = [("meta", "one.sigmf-meta", as_json(document)), ("data", "one.sigmf-data", data)]
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
        + value
        + b"\r\n"
        for field, name, value in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("share", [0.2, 0.9, 0.9999])
def test_an_upload_that_breaks_off_leaves_nothing(receiver, media, share):
    whole = form(metadata(), iq(50_000))
    session = begin(receiver)
    sent = {"content_type": f"multipart/form-data; boundary={BOUNDARY}", "CONTENT_LENGTH": str(len(whole))}
    part = io.BytesIO(whole[: int(len(whole) * share)])
    answer = receiver.generic("POST", f"{session}/measurements", b"", **sent, **{"wsgi.input": part})
    assert (answer.status_code, answer.json()["detail"]) == (400, "The upload was cut short.")
    assert not Measurement.objects.exists() and not on_disk(media)
    again = {"wsgi.input": io.BytesIO(whole)}
    assert receiver.generic("POST", f"{session}/measurements", b"", **sent, **again).status_code == 201


def test_names_are_taken_once_and_a_completed_session_takes_nothing_more(receiver, media):
    session = begin(receiver)
    assert send(receiver, session, metadata(), iq()).status_code == 201
    again = send(receiver, session, metadata(), iq())
    assert (again.status_code, again.json()["detail"]) == (409, "The session has a measurement 'one' already.")
    ended = receiver.post(f"{session}/complete").json()
    assert (ended["status"], ended["total_measurements"]) == ("completed", 1) and ended["session_end"]
    assert send(receiver, session, metadata(), iq(), stem="two").status_code == 409
    assert receiver.post(f"{session}/complete").status_code == 409
    assert len(on_disk(media)) == Measurement.objects.count() == 1


def test_a_session_may_fail(receiver):
    session = begin(receiver)
    assert receiver.post(f"{session}/complete", {"failed": True}, format="json").json()["status"] == "failed"
    assert RecordingSession.objects.get().status == "failed"


def test_only_who_sent_it_and_staff_see_a_session(receiver):
    session = begin(receiver)
    measurement = send(receiver, session, metadata(), iq()).json()
    one = f"/api/v1/recordings/measurements/{measurement['id']}"
    for role, sees in (("client", False), ("service", False), ("analyst", True), ("operator", True), ("admin", True)):
        other = makers.client(makers.user(role))
        for url in (session, f"{session}/measurements", one, f"{one}/sigmf-meta", f"{one}/sigmf-data"):
            assert other.get(url).status_code == (200 if sees else 404), (role, url)
        assert len(other.get(SESSIONS).json()["results"]) == sees
    assert makers.client(makers.user("service")).delete(one).status_code == 404
    assert makers.client(makers.user("analyst")).delete(one).status_code == 403
    assert makers.client(makers.user("client")).post(SESSIONS, {"name": "x"}, format="json").status_code == 403
    assert makers.client(makers.user("service")).post(f"{session}/complete").status_code == 404


def test_sessions_are_listed_newest_first_and_filtered(receiver):
    for name in ("first", "second"):
        session = begin(receiver, name=name)
    send(receiver, session, metadata(), iq())
    send(receiver, session, metadata(), iq(), stem="two")
    row = Measurement.objects.get(name="two")
    MeasurementFeatures.objects.create(
        measurement=row, recording_session=row.session, extractor_version="1", numbers={"snr_db": 9.5}
    )
    receiver.post(f"{session}/complete")
    listed = receiver.get(SESSIONS + "?limit=1").json()
    assert [one["name"] for one in listed["results"]] == ["second"] and listed["next"]
    assert (listed["results"][0]["total_measurements"], listed["results"][0]["measurements_with_features"]) == (2, 1)
    assert [one["name"] for one in receiver.get(SESSIONS + "?status=recording").json()["results"]] == ["first"]
    detail = receiver.get(session).json()
    assert [one["name"] for one in detail["measurements"]] == ["two", "one"]
    assert [one and one["numbers"] for one in map(lambda m: m["features"], detail["measurements"])] == [
        {"snr_db": 9.5},
        None,
    ]
    assert receiver.get(f"{session}/measurements?limit=1").json()["results"][0]["name"] == "two"
    for query in ("?state=x", "?status=open", "?from=yesterday", "?limit=0"):
        assert receiver.get(SESSIONS + query).status_code == 400, query


def test_what_is_deleted_is_gone_with_its_files_but_registered_files_stay(
    receiver, media, tmp_path, django_capture_on_commit_callbacks
):
    session = begin(receiver)
    ids = [send(receiver, session, metadata(), iq(), stem=stem).json()["id"] for stem in ("one", "two", "three")]
    elsewhere = tmp_path / "theirs"
    Measurement.objects.get(pk=ids[1]).path.rename(elsewhere)
    Measurement.objects.filter(pk=ids[1]).update(iq_data_location=str(elsewhere))
    (media / "picture.png").write_bytes(b"x")
    row = Measurement.objects.get(pk=ids[2])
    MeasurementFeatures.objects.create(
        measurement=row, recording_session=row.session, numbers={}, extractor_version="1", spectrum="picture.png"
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert receiver.delete(f"/api/v1/recordings/measurements/{ids[0]}").status_code == 204
    assert len(on_disk(media)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        assert receiver.delete(session).status_code == 204
    assert not on_disk(media) and elsewhere.exists()
    assert not RecordingSession.objects.exists() and not MeasurementFeatures.objects.exists()
    assert receiver.get(session).status_code == 404
    assert Entry.objects.filter(action="recording_session_deleted").count() == 1


def test_files_without_a_row_are_removed_after_an_hour(receiver, media):
    send(receiver, begin(receiver), metadata(), iq())
    (kept,) = on_disk(media)
    for age in (7_200, 60):
        path = media / files.name_of(uuid.uuid4())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    assert files.remove_abandoned() == 1
    assert on_disk(media) == sorted([kept, path.name])


def test_only_so_many_uploads_come_at_once_and_only_where_there_is_room(receiver, settings, monkeypatch):
    from threading import BoundedSemaphore

    from recordings.intake import uploads

    session = begin(receiver)
    with monkeypatch.context() as full:
        full.setattr(uploads, "free_bytes", lambda: uploads.RESERVE)
        answer = send(receiver, session, metadata(), iq())
        assert (answer.status_code, answer.json()["detail"]) == (503, "There is no room for the samples.")
    room = BoundedSemaphore(1)
    monkeypatch.setattr(uploads, "_room", room)
    with room:
        assert send(receiver, session, metadata(), iq()).status_code == 503
    assert send(receiver, session, metadata(), iq()).status_code == 201


def test_a_request_without_a_body_or_of_another_kind_is_a_problem(receiver):
    session = begin(receiver)
    for kind, status in ((None, 400), ("application/json", 400), (f"multipart/form-data; boundary={BOUNDARY}", 400)):
        answer = receiver.generic("POST", f"{session}/measurements", b"", **({"content_type": kind} if kind else {}))
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), kind
    assert receiver.post(f"{session}/measurements", {"a": 1}, format="json").status_code == 415
    assert (
        receiver.generic("POST", f"{session}/measurements", b"x", content_type="multipart/form-data").status_code == 400
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_recordings_of_one_name_sent_at_once_one_is_kept(receiver, media):
    session = begin(receiver)
    barrier, answers = threading.Barrier(2), []

    def go(seed):
        barrier.wait()
        try:
            answers.append(send(receiver, session, metadata(), iq(seed=seed)).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[seed]) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409]
    assert on_disk(media) == [Measurement.objects.get().path.name]
