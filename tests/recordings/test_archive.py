"""Archives as their bytes come in: what is not a plain file with a harmless name is refused before it is kept."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.sigmf.archive import ArchiveReader, BadArchive, archive_bytes, write_archive

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def tar(*members, form=tarfile.PAX_FORMAT) -> bytes:
    """Members are (name, bytes) or TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member in members:
            info, data = (
                (member, b"") if isinstance(member, tarfile.TarInfo) else (tarfile.TarInfo(member[0]), member[1])
            )
            if data:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def odd(kind=tarfile.REGTYPE, *, name="x", **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def read(data: bytes, step: int = 7_000, most: int = 1 << 20) -> dict[str, bytes]:
    """All files, fed in steps; each must lie in the archive where the reader says it does."""
    found: dict[str, bytearray] = {}

    def take(member):
        if member.size > most:
            raise BadArchive("too large")
        found[member.name] = bytearray()
        places.append((member.name, member.offset, member.size))
        return found[member.name].extend

    places: list[tuple[str, int, int]] = []
    reader = ArchiveReader(take)
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    reader.close()
    for name, offset, size in places:
        assert data[offset : offset + size] == found[name]
    return {name: bytes(value) for name, value in found.items()}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("step", [1, 511, 512, 100_000])
def test_what_tar_writes_is_read(form, step):
    long = "a/" * 60 + "b.sigmf-data"
    files = {"one/one.sigmf-meta": b"{}", "empty": b"", long: bytes(range(256)) * 9}
    assert read(tar(odd(tarfile.DIRTYPE, name="one"), *files.items(), form=form), step) == files


@given(
    st.dictionaries(
        st.text("abcü/", min_size=1, max_size=120).filter(lambda name: not name.startswith("/")),
        st.binary(max_size=1_500),
        max_size=4,
    ),
    st.sampled_from(FORMATS[1:]),
    st.integers(1, 3_000),
)
def test_any_files_come_out_as_they_went_in(files, form, step):
    files = {name.rstrip("/") or "c": data for name, data in files.items()}
    assert read(tar(*files.items(), form=form), step) == files


def test_what_we_write_tar_reads():
    files = {"a/a.sigmf-meta": b"{}", "a/" + "é" * 90 + ".sigmf-data": bytes(1_000)}
    written = b"".join(write_archive((name, len(data), [data]) for name, data in files.items()))
    assert archive_bytes((name, len(data)) for name, data in files.items()) == len(written)
    with tarfile.open(fileobj=io.BytesIO(written)) as archive:
        assert {member.name: archive.extractfile(member).read() for member in archive} == files
    assert read(written) == files


GOOD = tar(("a.sigmf-meta", b"{}"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tar(("../a.sigmf-data", b"x")), "leads out"),
        (tar(("a/../../b", b"x")), "leads out"),
        (tar(("/etc/passwd", b"x")), "leads out"),
        (tar(("/" + "e" * 200, b"x")), "leads out"),  # in a pax header
        (tar(("../" + "e" * 200, b"x"), form=tarfile.GNU_FORMAT), "leads out"),
        (tar(odd(tarfile.DIRTYPE, name="..")), "leads out"),
        (tar(("C:\\b", b"x")), "characters"),
        (tar(("a\nb", b"x")), "characters"),
        (tar(odd(tarfile.SYMTYPE, linkname="/etc/passwd")), "a link"),
        (tar(odd(tarfile.LNKTYPE, linkname="a")), "a link"),
        (tar(odd(tarfile.CHRTYPE)), "a device"),
        (tar(odd(tarfile.FIFOTYPE)), "a pipe"),
        (tar(odd(tarfile.GNUTYPE_SPARSE), form=tarfile.GNU_FORMAT), "sparse"),
        (tar(odd(pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})), "sparse"),
        (tar(odd(pax_headers={"size": "-5"})), "no number"),
        (tar(*[(f"{number}", b"") for number in range(70)]), "at most 64"),
        (odd(size=10 << 30).tobuf() + bytes(512), "too large"),
        (odd(size=10 << 30).tobuf(tarfile.GNU_FORMAT), "too large"),
        (odd(size=-1).tobuf(tarfile.GNU_FORMAT), "below zero"),
        (odd(tarfile.XHDTYPE, size=1 << 20).tobuf(), "1,048,576 bytes"),
        (odd(tarfile.XGLTYPE, size=10).tobuf() + b"9 path=b\n".ljust(512, b"\0"), "damaged"),
        (odd(tarfile.XGLTYPE, size=9).tobuf() + b"9 path=b\n".ljust(512, b"\0"), "all its files at once"),
        (odd(tarfile.DIRTYPE, size=700).tobuf() + bytes(2_000), "no plain file"),
        (tar(("a", bytes(600)))[:1_030], "cut short"),
        (tar(("a", bytes(600)))[: 3 * 512], "cut short"),
        (GOOD[:-1] + b"x", "follow the end"),
        (GOOD + GOOD, "follow the end"),
        (b"", "empty"),
        (b"\x1f\x8b\x08" + bytes(600), "This is gzip"),
        (b"PK\x03\x04" + bytes(600), "This is zip"),
        (b"{" * 600, "no tar header"),
        (GOOD[:100] + b"9" + GOOD[101:], "no tar header"),
    ],
)
def test_what_is_dangerous_or_damaged_is_refused(data, says):
    for step in (100, 100_000):
        with pytest.raises(BadArchive, match=says):
            read(data, step)


@given(st.binary(max_size=40), st.integers(0, len(GOOD) - 1), st.integers(1, 600))
def test_damage_anywhere_is_refused_or_harmless(noise, at, step):
    damaged = GOOD[:at] + noise + GOOD[at + len(noise) :]
    try:
        files = read(damaged, step)
    except BadArchive:
        return
    assert len(files) <= 1 and not any(name.startswith("/") or ".." in name.split("/") for name in files)
