"""A file of a multipart form, refused at the byte that is one too many."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework.request import Request

from base.parsers import TooLarge
from reports.filing.pictures import MAX_BYTES

ENVELOPE = 16_384  # bytes of a form beside its file
SENTENCE = f"A photo may have at most {MAX_BYTES // 1_048_576} MiB."


class Capped(FileUploadHandler):
    """Keeps one file in memory. Raises TooLarge while it is read, before anything is decoded or written."""

    def handle_raw_input(
        self, input_data: Any, META: dict[str, str], content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        if content_length > MAX_BYTES + ENVELOPE:
            raise TooLarge(SENTENCE)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.chunks: list[bytes] = []
        self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.kept += len(raw_data)
        if self.kept > MAX_BYTES:
            raise TooLarge(SENTENCE)
        self.chunks.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        return InMemoryUploadedFile(
            BytesIO(b"".join(self.chunks)), self.field_name, "photo", self.content_type, self.kept, self.charset
        )


def read_capped(request: Request) -> None:
    """Have the form of a request read by `Capped`; before anybody looks at it."""
    request._request.upload_handlers = [Capped(request._request)]
