"""Tell an OpenLineage backend of runs: nothing unless OPENLINEAGE_URL is set, and never in the way of the work.

A run that begins stores two tasks: one that tells of the start, and one that waits until a trigger on the tasks lets it
go in the transaction in which the run ends, however it ends (migration 0008). Both build their event from the rows.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import orjson
import requests
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from features.lineage.openlineage import run_event
from tasks.definitions import PermanentError, TaskDefinition, TemporaryError
from tasks.models import Task

PATH = "/api/v1/lineage"
TIMEOUTS_S = (3.0, 10.0)  # to connect, and for each piece of the answer
TRY_AGAIN = {408, 425, 429}
AT_LATEST = timedelta(hours=6)  # then the end is looked for even if no trigger told of it
LOOK_AGAIN_S = 3_600


def tell(task_id: str, *, by: TaskDefinition) -> None:
    """Have a run's start told of, and later its end; once for a task, however many attempts it takes."""
    if not settings.OPENLINEAGE_URL:
        return
    telling = by.using(subject=("lineage", task_id))
    with transaction.atomic():
        if Task.objects.filter(subject_type="lineage", subject_id=task_id).exists():
            return
        telling.enqueue(task_id=task_id, ended=False)
        waiting = telling.using(unique_key=f"lineage:{task_id}", run_after=timezone.now() + AT_LATEST)
        waiting.enqueue(task_id=task_id, ended=True)


def send(*, task_id: str, ended: bool) -> dict[str, Any]:
    """Send what a run's start or end says, as its rows tell it now. Raises TemporaryError, PermanentError."""
    if not settings.OPENLINEAGE_URL:
        return {"sent": False}  # switched off since
    task = Task.objects.get(pk=task_id)
    if ended and task.is_live:
        raise TemporaryError("The run has not ended yet.", retry_after_s=LOOK_AGAIN_S)
    event = run_event(task, ended=ended)
    deliver(event)
    return {"sent": True, "event_type": event["eventType"]}


def deliver(event: dict[str, Any]) -> None:
    """Append an event to a file as one line, or post it. Raises TemporaryError, PermanentError."""
    url = urlsplit(settings.OPENLINEAGE_URL)
    if url.scheme == "file":
        _append(url2pathname(url.path), orjson.dumps(event) + b"\n")
        return
    target = settings.OPENLINEAGE_URL if url.path.strip("/") else f"{url.scheme}://{url.netloc}{PATH}"
    headers = {"Content-Type": "application/json"}
    if settings.OPENLINEAGE_API_KEY:
        headers["Authorization"] = f"Bearer {settings.OPENLINEAGE_API_KEY}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                target,
                data=orjson.dumps(event),
                headers=headers,
                timeout=TIMEOUTS_S,
                allow_redirects=False,
                stream=True,
            )
            answer.close()
    except requests.RequestException as error:  # its text may hold the URL's password
        raise TemporaryError(f"The lineage backend did not answer: {type(error).__name__}.") from None
    if answer.status_code >= 300:
        again = answer.status_code >= 500 or answer.status_code in TRY_AGAIN
        raise (TemporaryError if again else PermanentError)(f"The lineage backend answered {answer.status_code}.")


def _append(path: str, line: bytes) -> None:
    """One write to a file opened for appending, so that lines of several workers do not mix."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(file, line)
        finally:
            os.close(file)
    except OSError as error:
        raise TemporaryError(f"The lineage file cannot be written: {error.strerror}.") from None
