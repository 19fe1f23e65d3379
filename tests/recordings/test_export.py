"""What is written back: SigMF's own validator accepts it, whatever came in."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import pytest

from recordings.samples import SamplesMissing
from recordings.sigmf.export import Export
from tests.recordings.makers import iq, metadata, samples_in
from tests.recordings.test_upload import begin, send

HEADERS = [{"core:sample_start": 0, "core:header_bytes": 5}, {"core:sample_start": 10, "core:header_bytes": 3}]
CASES = {
    "plain": (metadata(sample_rate=48_000), iq(50)),
    "channels": (metadata("cf32_be", num_channels=2), bytes(160)),
    "real": (metadata("ri16_le", captures=[]), bytes(100)),
    "late": (metadata("cu8", captures=[{"core:sample_start": 7}], offset=7), bytes(20)),
    "headers": (
        metadata(captures=HEADERS, dataset="x.wav", trailing_bytes=2),
        b"HHHHH" + iq(10) + b"HHH" + iq(9) + b"TT",
    ),
    "spare": (metadata(), iq(10) + b"abc"),
}


def accepted(*paths: Path) -> None:
    """As the command `sigmf_validate` does, which ends with 0 only if all is well."""
    asked = [sys.executable, "-W", "error::UserWarning", "-c", "from sigmf.validate import main; main()", *paths]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr


def test_what_is_written_back_is_accepted_by_sigmf_validate(tmp_path):
    paths = []
    for name, (document, data) in CASES.items():
        source = tmp_path / f"{name}.raw"
        source.write_bytes(b"..." + data)
        told = {key.removeprefix("core:"): value for key, value in document["global"].items()}
        datatype, captures = told.pop("datatype"), document["captures"]
        samples = samples_in(source, datatype, origin=3, captures=captures, **told)
        export = Export(name, document, samples, hashlib.sha512(data).hexdigest())
        meta, archive = tmp_path / f"{name}.sigmf-meta", tmp_path / f"{name}.sigmf"
        meta.write_bytes(export.meta())
        meta.with_suffix(".sigmf-data").write_bytes(b"".join(export.data()))
        size, pieces = export.archive()
        archive.write_bytes(b"".join(pieces))
        assert archive.stat().st_size == size
        assert json.loads(meta.read_bytes())["global"]["core:sha512"] == export.digest()
        assert document["captures"] == captures  # what is stored stays as it came
        paths += [meta, archive]
    only = tmp_path / "only.sigmf-meta"
    only.write_bytes(Export("only", metadata(dataset="x.wav", sha512="0" * 128), None).meta())
    accepted(*paths, only)
    assert (tmp_path / "headers.sigmf-data").read_bytes() == iq(10) + iq(9)
    assert (tmp_path / "plain.sigmf-data").read_bytes() == CASES["plain"][1]


def test_any_part_of_the_samples_can_be_given_out(tmp_path):
    document, data = CASES["headers"]
    source = tmp_path / "x"
    source.write_bytes(data)
    samples = samples_in(source, "ci16_le", captures=HEADERS, trailing_bytes=2)
    export, whole = Export("x", document, samples), iq(10) + iq(9)
    for start, end in ((0, 76), (3, 41), (39, 40), (40, 41), (41, 900), (76, 76)):
        assert b"".join(export.data(start, end)) == whole[start:end]
    source.write_bytes(data[:30])
    with pytest.raises(SamplesMissing, match="shorter"):
        b"".join(export.data())


@pytest.mark.parametrize(("name", "stem"), [("a b/ü.1", "a_b_ü.1"), ("../..", "recording"), ("-x", "-x")])
def test_a_file_name_is_made_of_any_name(name, stem):
    assert Export(name, metadata(), None).stem == stem


@pytest.mark.django_db
def test_a_recording_is_downloaded_whole_or_in_part(receiver):
    data, document = iq(3_000), metadata(sample_rate=1e6, description="é") | {"annotations": [{"core:sample_start": 1}]}
    document["global"]["other:thing"] = [1, {"deep": None}]
    links = send(receiver, begin(receiver), document, data).json()["links"]

    def got(kind, **headers):
        answer = receiver.get(links[kind], headers=headers)
        return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content

    answer, body = got("sigmf-data")
    assert body == data and answer["Content-Length"] == str(len(data)) and answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Disposition"] == 'attachment; filename="one.sigmf-data"'
    assert got("sigmf-data", **{"If-None-Match": answer["ETag"]})[0].status_code == 304
    for asked, start, end in (("0-3", 0, 4), ("100-", 100, 12_000), ("-7", 11_993, 12_000), ("5-99999", 5, 12_000)):
        part, body = got("sigmf-data", Range=f"bytes={asked}")
        assert (part.status_code, body) == (206, data[start:end])
        assert part["Content-Range"] == f"bytes {start}-{end - 1}/12000"
    for asked in ("bytes=12000-", "bytes=9-3", "bytes=0-1,5-6", "bytes=-", "lines=1-2"):
        assert got("sigmf-data", Range=asked)[0].status_code == 200, asked
    assert got("sigmf-data", Range="bytes=0-3", **{"If-Range": '"old"'})[0].status_code == 200
    described = json.loads(got("sigmf-meta")[1])
    assert described["global"].pop("core:sha512") == hashlib.sha512(data).hexdigest()
    assert described == document
    answer, body = got("sigmf")
    assert answer["Content-Length"] == str(len(body))
    with warnings.catch_warnings(), tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.getnames() == ["one/one.sigmf-meta", "one/one.sigmf-data"]
    again = send(receiver, begin(receiver), archive=body).json()
    assert again["sha512"] == hashlib.sha512(data).hexdigest()


@pytest.mark.django_db
def test_samples_that_are_gone_are_a_problem_that_says_so(receiver, media):
    links = send(receiver, begin(receiver), metadata(), iq()).json()["links"]
    next(path for path in media.rglob("*") if path.is_file()).unlink()
    answer = receiver.get(links["sigmf-data"])
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "No such file" in answer.json()["detail"] and str(media) not in answer.content.decode()
    only = send(receiver, begin(receiver), metadata(metadata_only=True)).json()
    address = only["links"]["sigmf-meta"]
    described = json.loads(b"".join(receiver.get(address).streaming_content))
    assert described["global"]["core:metadata_only"] is True
    assert receiver.get(address.replace("-meta", "-data")).status_code == 404
