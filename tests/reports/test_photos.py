"""Photos: what is taken, what is left of them, and who gets them."""

import io
import os
import struct
import threading
import time
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from reports.filing import photos, pictures
from reports.models import Photo
from tests import makers

pytestmark = pytest.mark.django_db
SECRET = b"Jo's camera"


@pytest.fixture(autouse=True)
def _places(redis, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def jpeg(size=(64, 32), colour="red", kind="JPEG", **more):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


def telling():
    """A picture that tells where and with what it was taken, and lies on its side."""
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (42.0, 21.0, 36.0), 3: "W", 4: (71.0, 3.0, 32.0)})
    return jpeg(exif=exif, comment=SECRET, icc_profile=b"profile" + SECRET)


def png_of(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def send(client, report, data, name="x.jpg", **more):
    form = {"photo": SimpleUploadedFile(name, data, content_type="image/jpeg")} | more
    return client.post(f"/api/v1/reports/{report.pk}/photos", form, format="multipart")


def files(folder):
    return sorted(path.name for path in folder.rglob("*.jpg"))


def test_a_photo_loses_all_it_tells_beside_the_picture(api, resident, filed):
    data = telling()
    assert SECRET in data and Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)
    answer = send(makers.client(resident), filed, data + b"<script>behind the end</script>")
    assert answer.status_code == 201, answer.json()
    got = api.get(answer.json()["url"])
    body = b"".join(got.streaming_content)
    kept = Image.open(io.BytesIO(body))
    assert (kept.format, kept.size) == ("JPEG", (32, 64))  # upright
    assert not kept.getexif() and "icc_profile" not in kept.info and "comment" not in kept.info
    assert SECRET not in body and b"script" not in body and b"Exif" not in body
    assert got["Content-Type"] == "image/jpeg" and got["X-Content-Type-Options"] == "nosniff"
    assert got["Cache-Control"] == "public, max-age=86400"
    assert api.get(answer.json()["url"], headers={"If-None-Match": got["ETag"]}).status_code == 304
    small = Image.open(io.BytesIO(b"".join(api.get(answer.json()["url"] + "?size=small").streaming_content)))
    assert max(small.size) <= 320


def test_the_same_picture_is_kept_once_whatever_it_is_called(resident, filed, tmp_path):
    client = makers.client(resident)
    first, again = send(client, filed, jpeg()), send(client, filed, jpeg(comment=b"other"), name="../../etc/passwd")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() and len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "Only JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Only JPEG"),
        (b"GIF89a" + bytes(20), "Only JPEG"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "HEIC"),
        (jpeg(size=(400, 400))[:900], "damaged"),
        (png_of(30_000, 30_000), "megapixels"),
        (png_of(7_000, 7_000), "megapixels"),
        (png_of(100, 100), "damaged"),
    ],
    ids=["nothing", "svg", "gif", "heic", "truncated", "bomb", "large", "short"],
)
def test_what_is_no_picture_of_ours_is_refused_and_leaves_nothing(resident, filed, tmp_path, data, says):
    answer = send(makers.client(resident), filed, data)
    assert answer.status_code == 400 and says in answer.json()["detail"], answer.json()
    assert not files(tmp_path) and not Photo.objects.exists()


def test_a_file_is_refused_at_the_byte_that_is_one_too_many(resident, filed, tmp_path):
    client = makers.client(resident)
    assert send(client, filed, bytes(pictures.MAX_BYTES + 1)).status_code == 413
    assert send(client, filed, bytes(pictures.MAX_BYTES + 1_000_000)).status_code == 413
    assert send(client, filed, jpeg(), note="more").status_code == 400
    assert client.post(f"/api/v1/reports/{filed.pk}/photos", {"photo": "x"}, format="multipart").status_code == 400
    assert client.post(f"/api/v1/reports/{filed.pk}/photos", {"photo": "x"}, format="json").status_code == 415


def test_only_who_filed_it_or_deals_with_it_adds_photos_and_only_so_many(resident, filed):
    assert send(makers.client(makers.user()), filed, jpeg()).status_code == 403
    client = makers.client(resident)
    for number in range(photos.PER_REPORT):
        assert send(client, filed, jpeg(size=(10 + number, 10))).status_code == 201
    assert send(makers.client(makers.user("reviewer")), filed, jpeg(size=(9, 9))).status_code == 409


def test_a_photo_is_removed_by_who_added_it(api, resident, filed, tmp_path, django_capture_on_commit_callbacks):
    url = send(makers.client(resident), filed, jpeg(kind="PNG")).json()["url"]
    assert api.delete(url).status_code == 401
    assert makers.client(makers.user()).delete(url).status_code == 403
    with django_capture_on_commit_callbacks(execute=True):
        assert makers.client(resident).delete(url).status_code == 204
    assert api.get(url).status_code == 404 and not files(tmp_path)


def test_files_without_a_row_are_removed_after_an_hour(resident, filed, tmp_path):
    send(makers.client(resident), filed, jpeg(kind="WEBP"))
    kept = files(tmp_path)
    for name, age in (("aa/aa11.jpg", 7_200), ("aa/aa11-small.jpg", 7_200), ("aa/aa22.jpg", 60)):
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    assert photos.remove_abandoned() == 2
    assert files(tmp_path) == sorted([*kept, "aa22.jpg"])


@pytest.mark.django_db(transaction=True)
def test_photos_sent_at_once_are_never_more_than_allowed(resident, filed, tmp_path):
    from reports.filing.photos import NoMorePhotos, add_photo

    for number in range(photos.PER_REPORT - 1):
        add_photo(report=filed, by=resident, data=jpeg(size=(20 + number, 10)))
    barrier, outcomes = threading.Barrier(2), []

    def add(width):
        barrier.wait()
        try:
            outcomes.append(add_photo(report=filed, by=resident, data=jpeg(size=(width, 10)))[1])
        except NoMorePhotos:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=[width]) for width in (50, 51)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, True]
    assert Photo.objects.count() == photos.PER_REPORT and len(files(tmp_path)) == 2 * photos.PER_REPORT
