"""A recording sent as a form: its files are checked and written as their bytes come, and never held in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from threading import BoundedSemaphore
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from base.parsers import TooLarge
from base.problems import Unavailable
from recordings.intake.incoming import ARCHIVE, DATA, META, REFUSALS, SUFFIXES, Incoming, TooMuch, Write
from recordings.sigmf.metadata import MAX_BYTES

ENVELOPE = 1 << 20  # bytes of a form beside its files
RESERVE = 256 << 20  # bytes of the disk that are for others
NO_ROOM = "There is no room for the samples."
FIELDS = {META, DATA, ARCHIVE}
SENT = {
    "multipart/form-data": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 200, "description": "Without it, the name of the file."},
            META: {"type": "string", "format": "binary", "description": "The `.sigmf-meta`."},
            DATA: {"type": "string", "format": "binary", "description": "The `.sigmf-data`."},
            ARCHIVE: {"type": "string", "format": "binary", "description": "A `.sigmf` instead: a tar of both."},
        },
    }
}
_room = BoundedSemaphore(settings.RECORDING_UPLOADS)


class CutShort(ParseError):
    default_detail = "The upload was cut short."


class Whole:
    """The body of a request, counted: Django takes the files of a broken-off form for complete."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.count += len(piece)
        return piece


class RecordingParser(MultiPartParser):
    """Raises CutShort for a form that is not as long as was announced."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body: Any = Whole(stream)
        parsed = super().parse(body, media_type, parser_context)
        if body.count != int(parser_context["request"].META["CONTENT_LENGTH"]):
            raise CutShort
        return parsed


class Into(FileUploadHandler):
    """Hands the files of a form to an `Incoming` by what they are called, or else by their field."""

    def __init__(self, request: Any, incoming: Incoming) -> None:
        super().__init__(request)
        self.incoming = incoming
        self.first_name = ""

    def handle_raw_input(
        self, input_data: Any, META: dict[str, str], content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        if content_length > self.incoming.most + MAX_BYTES + ENVELOPE:
            raise TooLarge(f"The data may have at most {self.incoming.most:,} bytes.")
        if content_length > free_bytes() - RESERVE:
            raise Unavailable(NO_ROOM)

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        kind = SUFFIXES.get(PurePath(file_name).suffix, field_name)
        if kind not in FIELDS:
            raise ValidationError({field_name[:50]: ["Neither a .sigmf-meta, a .sigmf-data nor a .sigmf archive."]})
        self.first_name = self.first_name or PurePath(file_name).stem
        with refusing():
            self.write: Write = self.incoming.writer(kind)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with refusing():
            self.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        return None  # nothing for request.FILES: it is where it belongs


def free_bytes() -> int:
    """On the disk of MEDIA_ROOT."""
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(settings.MEDIA_ROOT).free


@contextmanager
def refusing() -> Iterator[None]:
    """REFUSALS as the problems they are for who sent it."""
    try:
        yield
    except TooMuch as error:
        raise TooLarge(str(error)) from None
    except REFUSALS as error:
        raise ValidationError([str(error)]) from None
    except OSError:
        raise Unavailable(NO_ROOM) from None


@contextmanager
def receiving(request: Request) -> Iterator[tuple[Incoming, dict[str, Any], str]]:
    """The form of a request: what came in, its other fields, and the name of its first file without the ending.

    The file that was written goes away again unless it was kept. Raises Unavailable while RECORDING_UPLOADS come.
    """
    if not _room.acquire(blocking=False):
        raise Unavailable("Other recordings are coming in.")
    try:
        with Incoming(most=settings.RECORDING_MAX_BYTES) as incoming:
            handler = Into(request._request, incoming)
            request._request.upload_handlers = [handler]
            form = request.data
            fields = dict(form.lists()) if isinstance(form, QueryDict) else {}  # without a body there is none
            if any(len(values) > 1 for values in fields.values()):
                raise ValidationError({name: ["Once, please."] for name, values in fields.items() if len(values) > 1})
            yield incoming, {name: values[0] for name, values in fields.items()}, handler.first_name
    finally:
        _room.release()
