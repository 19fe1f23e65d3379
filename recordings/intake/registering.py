"""Recordings of a directory become measurements of one session, each once; what cannot is told with its reason."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from recordings.intake import services
from recordings.intake.directory import Found, Located, find, locate, pour
from recordings.intake.incoming import REFUSALS, Arrived, Incoming, Unacceptable
from recordings.models import Measurement, RecordingSession

LONGEST_NAME = 200
Tell = Callable[[int], object]


@dataclass(slots=True)
class Outcome:
    """session: id of the session that what was new went into; None if nothing was."""

    session: str | None = None
    registered: int = 0
    known: int = 0
    samples: int = 0
    bytes: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Registration:
    """copy: keep the samples below MEDIA_ROOT instead of reading them where they are.

    A session that a broken-off run left open is gone on with; a completed one takes nothing more, so what is new in a
    later run has a session of its own.
    """

    def __init__(self, root: Path, *, name: str, recursive: bool = False, copy: bool = False) -> None:
        self.root = root.resolve()
        self.name = name
        self.recursive = recursive
        self.copy = copy
        self.outcome = Outcome()

    def bytes_to_read(self) -> int:
        """An estimate, for a bar."""
        endings = ("*.sigmf-meta", "*.sigmf-data", "*.sigmf")
        look = self.root.rglob if self.recursive else self.root.glob
        return sum(path.stat().st_size for ending in endings for path in look(ending) if path.is_file())

    def run(self, tell: Tell = lambda size: None) -> Outcome:
        """tell: gets the number of bytes of each piece that was read."""
        for found in find(self.root, recursive=self.recursive):
            if isinstance(found, Found):
                try:
                    self._register(found, tell)
                except (*REFUSALS, services.NameTaken, services.NotRecording) as error:
                    self._refuse(found.path, str(error))
                except OSError as error:
                    self._refuse(found.path, f"cannot be read: {error.strerror}")
            else:
                self._refuse(*found)
        for session in self._open_sessions():  # also what a run left open that broke off behind its last file
            with suppress(services.NotRecording, RecordingSession.DoesNotExist):  # another run was faster
                services.end_session(session_id=session.pk)
        return self.outcome

    def _register(self, found: Found, tell: Tell) -> None:
        if len(found.name) > LONGEST_NAME:
            raise Unacceptable(f"Its name is over {LONGEST_NAME} characters.")
        located = locate(self.root, found)
        if self._is_known(located):
            self.outcome.known += 1
            tell(located.size)
            return
        with Incoming(most=settings.RECORDING_MAX_BYTES if self.copy else 1 << 62, copy=self.copy) as incoming:
            for size in pour(located, incoming):
                tell(size)
            self._keep(located, incoming)

    def _is_known(self, located: Located) -> bool:
        """By the place of the data. Raises Unacceptable for what is not what was registered there."""
        if located.path is None or self.copy:
            return False  # the content tells, once it is read
        same = Measurement.objects.filter(iq_data_location=str(located.path)).first()
        if same is None:
            return False
        metadata = located.metadata
        if metadata is not None and (same.size_bytes, same.metadata) != (located.size, metadata.document):
            raise Unacceptable("It was registered, and its data or metadata have changed since.")
        return True

    def _keep(self, located: Located, incoming: Incoming) -> None:
        arrived = incoming.finish()
        if not self.copy and arrived.layout is not None:
            arrived = replace(arrived, location=str(located.path))
        if (self.copy or not arrived.location) and self._has(located.found.name, arrived):
            self.outcome.known += 1
            return
        incoming.kept = True  # if nobody knows how the transaction ended, `remove_abandoned` finds out
        try:
            self._store(located.found.name, arrived)
        except services.NameTaken:
            incoming.kept = False
            if not self._is_known(located):
                raise
            self.outcome.known += 1  # another run was faster
            return
        self.outcome.registered += 1
        self.outcome.bytes += arrived.size
        self.outcome.samples += arrived.layout.count if arrived.layout else 0

    def _has(self, name: str, arrived: Arrived) -> bool:
        return Measurement.objects.filter(
            session__source=RecordingSession.Source.REGISTERED,
            session__name=self.name,
            name=name,
            sha512=arrived.sha512,
            metadata=arrived.metadata.document,
        ).exists()

    def _store(self, name: str, arrived: Arrived) -> None:
        with transaction.atomic():  # so that no session is without measurements
            session = self._open_session()
            services.add_measurement(session_id=session.pk, name=name, arrived=arrived)
        self.outcome.session = str(session.pk)

    def _open_sessions(self) -> QuerySet[RecordingSession]:
        return RecordingSession.objects.filter(
            name=self.name, source=RecordingSession.Source.REGISTERED, status=RecordingSession.Status.RECORDING
        )

    def _open_session(self) -> RecordingSession:
        """The one used last, unless another run has completed it; or one that a run left open; or a new one."""
        mine = {"pk": self.outcome.session} if self.outcome.session else {}
        begun = self._open_sessions().filter(**mine).select_for_update(no_key=True).first()
        return begun or services.create_session(
            name=self.name, by=None, source=RecordingSession.Source.REGISTERED, description=f"From {self.root}."
        )

    def _refuse(self, path: Path, reason: str) -> None:
        shown = str(path).encode(errors="backslashreplace").decode()  # names of files may be any bytes
        self.outcome.refused.append({"file": shown, "reason": reason})
