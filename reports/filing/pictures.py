"""A picture as it was sent, decoded and written anew: what is kept holds what one sees and nothing else.

Names, places, cameras, comments, colour profiles, thumbnails inside the file and whatever hangs behind its end are
gone, since none of its bytes is copied.
"""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 8 * 1_048_576
MAX_PIXELS = 40_000_000
LONGEST, SMALL = 2_048, 320  # pixels of the longer side
QUALITY = 82
WAIT_S = 10.0
HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1", b"avif", b"avis"}
# A decoded picture takes up to 160 MB, so a process decodes one at a time.
_decoding = threading.Lock()


class NotAPicture(ValueError):
    """The bytes are no picture that is taken here; the message says why."""


class Busy(Exception):
    """Other pictures are being decoded, for longer than anybody should wait."""


@dataclass(frozen=True, slots=True)
class Picture:
    """JPEG files: the picture, at most LONGEST wide and high, and a SMALL one. sha256: of the first."""

    full: bytes
    small: bytes
    width: int
    height: int
    sha256: str


def rewrite(data: bytes) -> Picture:
    """Raises NotAPicture and Busy."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        raise NotAPicture("HEIC and AVIF pictures are not taken; send JPEG, PNG or WebP.")
    if not _decoding.acquire(timeout=WAIT_S):
        raise Busy
    try:
        image = _decoded(data)
        image.thumbnail((LONGEST, LONGEST))
        full, size = _jpeg(image), image.size
        image.thumbnail((SMALL, SMALL))
        return Picture(full, _jpeg(image), *size, hashlib.sha256(full).hexdigest())
    finally:
        _decoding.release()


def _decoded(data: bytes) -> Image.Image:
    """Upright, in three colours, on white where it is see-through."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise NotAPicture(f"A picture may have at most {MAX_PIXELS // 1_000_000} megapixels.")
            image.draft("RGB", (LONGEST, LONGEST))  # a large JPEG is decoded at a fraction of its size
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                alpha = upright.convert("RGBA")
                upright = Image.new("RGB", alpha.size, "white")
                upright.paste(alpha, mask=alpha.getchannel("A"))
            bare = upright.convert("RGB")
            bare.info.clear()  # what is in there, saving writes again
            return bare
    except NotAPicture:
        raise
    except Image.DecompressionBombError:
        raise NotAPicture(f"A picture may have at most {MAX_PIXELS // 1_000_000} megapixels.") from None
    except Image.UnidentifiedImageError:
        raise NotAPicture("Only JPEG, PNG and WebP pictures are taken.") from None
    except Exception:
        raise NotAPicture("The picture is damaged.") from None


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
