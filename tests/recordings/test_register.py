"""Recordings of a directory: registered where they are, once, and what cannot be is told with its reason."""

import io
import json
import os
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Entry
from recordings.intake.registering import Registration
from recordings.models import Measurement, RecordingSession
from recordings.samples import open_samples
from tests.recordings.makers import as_json, iq, metadata
from tests.recordings.test_archive import tar

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, media):
    folder = tmp_path / "roof"
    folder.mkdir()
    return folder


def put(folder, name, document=None, data=None):
    """A pair, or the half of one."""
    folder.mkdir(exist_ok=True)
    if document is not None:
        (folder / f"{name}.sigmf-meta").write_bytes(document if isinstance(document, bytes) else as_json(document))
    if data is not None:
        (folder / f"{name}.sigmf-data").write_bytes(data)


def register(folder, *options) -> dict:
    out = io.StringIO()
    call_command("register_recordings", str(folder), "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def reasons(outcome) -> dict[str, str]:
    return {os.path.basename(refused["file"]): refused["reason"] for refused in outcome["refused"]}


def test_recordings_are_registered_where_they_are_and_only_once(folder, media):
    put(folder, "one", metadata(sample_rate=1e6), iq(100))
    put(folder, "two", metadata("cu8"), bytes(range(200)))
    put(folder, "alone", metadata(metadata_only=True))
    archived = tar(("x/x.sigmf-meta", as_json(metadata())), ("x/x.sigmf-data", iq(30)))
    (folder / "three.sigmf").write_bytes(archived)
    (folder / "readme.txt").write_text("hello")
    outcome = register(folder)
    assert (outcome["registered"], outcome["known"], outcome["refused"]) == (4, 0, [])
    assert (outcome["samples"], outcome["bytes"]) == (230, 720)
    session = RecordingSession.objects.get()
    assert (str(session.pk), session.name) == (outcome["session"], "roof")
    assert (session.status, session.source) == ("completed", "registered")
    rows = {row.name: row for row in Measurement.objects.all()}
    assert rows.keys() == {"one", "two", "alone", "three.sigmf"}
    assert rows["one"].iq_data_location == str(folder / "one.sigmf-data") and not media.exists()
    assert rows["three.sigmf"].data_offset == archived.index(iq(30)) > 0
    assert open_samples(rows["three.sigmf"]).read(0, 100).tolist() == open_samples(rows["one"]).read(0, 30).tolist()
    again = register(folder)
    assert (again["registered"], again["known"], again["session"]) == (0, 4, None)
    assert RecordingSession.objects.count() == 1
    assert set(Entry.objects.filter(action="measurement_added").values_list("actor", flat=True)) == {
        "command:register_recordings"
    }


def test_what_comes_later_has_a_session_of_its_own(folder):
    put(folder, "one", metadata(), iq())
    first = register(folder, "--session", "Monday")
    put(folder, "two", metadata(), iq(seed=2))
    second = register(folder, "--session", "Monday")
    assert (second["registered"], second["known"]) == (1, 1) and second["session"] != first["session"]
    assert set(RecordingSession.objects.values_list("name", "status")) == {("Monday", "completed")}


@pytest.mark.parametrize("last", ["two", None])
def test_a_run_that_broke_off_is_gone_on_with(folder, monkeypatch, last):
    from recordings.intake import services

    put(folder, "one", metadata(), iq())
    put(folder, "two", metadata(), iq(seed=2))
    add = services.add_measurement

    def stop(**asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "add_measurement", lambda **asked: (stop if asked["name"] == last else add)(**asked))
    monkeypatch.setattr(services, "end_session", stop)
    with pytest.raises(KeyboardInterrupt):
        register(folder)
    assert RecordingSession.objects.get().status == "recording"
    monkeypatch.undo()
    outcome = register(folder)
    assert outcome["registered"] == (1 if last else 0)
    session = RecordingSession.objects.get()
    assert session.status == "completed" and session.measurements.count() == 2


def test_each_that_cannot_be_read_is_told_and_the_rest_goes_on(folder, tmp_path):
    put(folder, "good", metadata(), iq())
    put(folder, "alone", None, iq())
    put(folder, "broken", b"{", iq())
    put(folder, "nodata", metadata())
    put(folder, "lying", metadata(captures=[{"core:sample_start": 9_999_999}]), iq())
    put(folder, "changed", metadata(sha512="0" * 128), iq())
    put(folder, "climbing", metadata(dataset="../secret"))
    put(folder, "absolute", metadata(dataset="/etc/passwd"))
    put(folder, "huge", b" " * (5 << 20), iq())
    put(folder, "folder", metadata(dataset="inner"))
    (folder / "inner").mkdir()
    os.mkfifo(folder / "pipe.sigmf-meta")
    put(tmp_path, "secret", metadata(), iq())
    (folder / "out.sigmf-meta").symlink_to(tmp_path / "secret.sigmf-meta")
    put(folder, "linked", metadata())
    (folder / "linked.sigmf-data").symlink_to(tmp_path / "secret.sigmf-data")
    (folder / "dangling.sigmf-meta").symlink_to(tmp_path / "nothing")
    (folder / os.fsdecode(b"\xff.sigmf-data")).write_bytes(b"x")
    (folder / "bad.sigmf").write_bytes(tar(("../x.sigmf-meta", b"{}")))
    outcome = register(folder)
    assert outcome["registered"] == 1 and Measurement.objects.get().name == "good"
    told = reasons(outcome)
    for name, says in {
        "alone.sigmf-data": "no .sigmf-meta",
        "broken.sigmf-meta": "not valid JSON",
        "nodata.sigmf-meta": "no nodata.sigmf-data beside it",
        "lying.sigmf-meta": "behind the end",
        "changed.sigmf-meta": "cut short",
        "climbing.sigmf-meta": "no path",
        "absolute.sigmf-meta": "core:dataset does not fit",
        "\\udcff.sigmf-data": "cannot be written",
        "huge.sigmf-meta": "4 MiB",
        "folder.sigmf-meta": "no plain file",
        "pipe.sigmf-meta": "no plain file",
        "out.sigmf-meta": "leads out",
        "linked.sigmf-meta": "leads out",
        "dangling.sigmf-meta": "No such file",
        "bad.sigmf": "leads out",
    }.items():
        assert says in told.pop(name), name
    assert not told


def test_data_of_another_name_lie_beside_the_metadata(folder):
    captures = [{"core:sample_start": 0, "core:header_bytes": 44}]
    put(folder, "one", metadata("ri16_le", dataset="one.wav", captures=captures, trailing_bytes=2))
    (folder / "one.wav").write_bytes(b"R" * 44 + iq(10) + b"TT")
    assert register(folder)["registered"] == 1
    row = Measurement.objects.get()
    assert (row.sample_count, row.header_bytes, row.trailing_bytes, row.size_bytes) == (20, 44, 2, 86)
    assert open_samples(row).read(0, 1)[0] * 32_768 == int.from_bytes(iq(1)[:2], "little", signed=True)


def test_folders_within_are_registered_if_asked_and_links_within_count_once(folder):
    put(folder / "a", "one", metadata(), iq())
    (folder / "b").symlink_to(folder / "a")
    (folder / "c").symlink_to("/usr")
    assert register(folder)["registered"] == 0
    outcome = register(folder, "--recursive")
    assert (outcome["registered"], reasons(outcome)) == (1, {"c": "A link leads out of the directory."})
    assert Measurement.objects.get().name == "a/one"


def test_a_file_that_changed_since_is_told(folder):
    put(folder, "one", metadata(), iq())
    put(folder, "two", metadata(), iq(seed=2))
    register(folder)
    put(folder, "one", metadata(), iq(2_000))
    put(folder, "two", metadata(author="Somebody"))
    outcome = register(folder)
    assert (outcome["registered"], outcome["known"]) == (0, 0)
    assert {reason.split(",")[0] for reason in reasons(outcome).values()} == {"It was registered"}


def test_copies_are_ours_and_come_once(folder, media):
    put(folder, "one", metadata(), iq())
    assert register(folder, "--copy")["registered"] == 1
    row = Measurement.objects.get()
    assert row.path.is_relative_to(media) and row.path.read_bytes() == iq()
    assert (register(folder, "--copy")["known"], Measurement.objects.count()) == (1, 1)
    assert [path for path in media.rglob("*") if path.is_file()] == [row.path]


def test_the_command_tells_in_words_and_refuses_nonsense(folder, capsys):
    put(folder, "one", metadata(), iq())
    put(folder, "two", None, iq())
    call_command("register_recordings", str(folder))
    told = capsys.readouterr()
    assert "1 registered in session" in told.out and "0 known before, 1 refused" in told.out
    assert "two.sigmf-data: There is no .sigmf-meta beside it." in told.err
    with pytest.raises(CommandError, match="not a directory"):
        call_command("register_recordings", str(folder / "none"))
    with pytest.raises(CommandError, match="--session"):
        call_command("register_recordings", str(folder), "--session", "")


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_register_each_recording_once(folder):
    for number in range(12):
        put(folder, f"{number}", metadata(), iq(seed=number))
    barrier, outcomes = threading.Barrier(2), []

    def go():
        barrier.wait()
        try:
            outcomes.append(Registration(folder, name="Both").run())
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome.registered for outcome in outcomes) == Measurement.objects.count() == 12
    assert [outcome.refused for outcome in outcomes] == [[], []]
    for session in RecordingSession.objects.all():
        assert session.status == "completed" and session.measurements.exists()
