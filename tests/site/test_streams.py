"""Server-sent events from a real web server: told once, replayed after a break, bounded."""

import json
import os
import signal
import threading
import time

import pytest
import requests

from tasks.models import Status, Task
from tests.garden import tasks as garden
from tests.processes import eventually


class Listener:
    """Reads one stream in a thread; `events` are (id, name, data)."""

    def __init__(self, site, path: str, token: str, last: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": last} if last else {}
        self.answer = requests.get(f"{site.url}/api/v1/{path}", headers=headers, stream=True, timeout=30)
        self.events: list[tuple[str, str, dict]] = []
        self.ended = False
        if self.answer.status_code == 200:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for block in self._blocks():
                fields = dict(line.split(": ", 1) for line in block if not line.startswith(":"))
                if "event" in fields:
                    self.events.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
        except Exception:  # we hung up
            return
        self.ended = True

    def _blocks(self):
        block: list[str] = []
        for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line:
                block.append(line)
            else:
                yield block
                block = []

    def names(self) -> list[str]:
        return [name for _, name, _ in self.events]

    def hang_up(self) -> None:
        # The body's reader holds the lock of the socket's file: shut the socket down under it.
        self.answer.raw._fp.fp.raw._sock.shutdown(2)


@pytest.fixture
def served(site):
    site.serve(TASK_STREAMS="3", MILLRACE_WEB_WORKERS="1")
    return site


def owner_of(task_id: str) -> str:
    from accounts.services import open_session
    from tests import makers

    user = makers.user()
    Task.objects.filter(pk=task_id).update(requested_by=user)
    return open_session(user=user).access_token


def test_a_task_is_told_from_beginning_to_end_and_then_the_stream_ends(served):
    result = garden.slow.enqueue(seconds=6)
    token = owner_of(result.id)
    stream = Listener(served, f"tasks/{result.id}/events", token)
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    assert (stream.answer.headers["Cache-Control"], stream.answer.headers["X-Accel-Buffering"]) == ("no-cache", "no")
    eventually(lambda: stream.names() == ["created"], log=served.processes.log)
    served.processes.worker()
    eventually(lambda: stream.ended, log=served.processes.log)
    names = stream.names()
    assert names[:2] == ["created", "started"] and names[-2:] == ["attempt_ended", "completed"]
    told = [data["progress_percentage"] for _, name, data in stream.events if name == "progress"]
    assert len(told) >= 2 and told == sorted(told)
    ids = [event_id for event_id, _, _ in stream.events]
    assert len(set(ids)) == len(ids)

    # Whoever comes back gets exactly what came after what was seen last.
    for seen in (0, 1, len(ids) - 2):
        again = Listener(served, f"tasks/{result.id}/events", token, last=ids[seen])
        eventually(lambda again=again: again.ended, log=served.processes.log)
        assert [i for i, n, _ in again.events] == [i for i, n, _ in stream.events[seen + 1 :] if n != "progress"]
    assert Listener(served, f"tasks/{result.id}/events", token, last=ids[-1]).answer.status_code == 204


def test_a_failing_task_is_followed_over_a_break(served):
    result = garden.fail.enqueue(how="temporary")
    token = owner_of(result.id)
    first = Listener(served, f"tasks/{result.id}/events", token)
    eventually(lambda: first.events, log=served.processes.log)
    first.hang_up()
    served.processes.worker()
    served.processes.scheduler()
    eventually(lambda: Task.objects.get(pk=result.id).status == Status.FAILED, log=served.processes.log)
    second = Listener(served, f"tasks/{result.id}/events", token, last=first.events[-1][0])
    eventually(lambda: second.ended, log=served.processes.log)
    assert second.names() == ["started", "attempt_ended"] * 3 + ["failed"]
    assert second.events[-1][2]["error"]["message"] == "temporary failure"


def test_the_dashboard_tells_what_ended_and_repeats_nothing_after_a_break(served):
    token = served.api_key("operator")
    served.processes.worker()
    first = Listener(served, "tasks/events", token)
    eventually(lambda: {"ready", "stats"} <= set(first.names()), log=served.processes.log)
    before = garden.note.enqueue(name="before")
    eventually(lambda: "ended" in first.names(), log=served.processes.log)
    first.hang_up()
    between = [garden.note.enqueue(name=f"between {n}").id for n in range(3)]
    eventually(lambda: not Task.objects.exclude(status="completed").exists(), log=served.processes.log)
    second = Listener(served, "tasks/events", token, last=first.events[-1][0] or first.events[-2][0])
    eventually(lambda: second.names().count("ended") == 3, log=served.processes.log)
    time.sleep(2)
    assert [data["task_id"] for _, name, data in first.events if name == "ended"] == [before.id]
    assert sorted(data["task_id"] for _, name, data in second.events if name == "ended") == sorted(between)
    stats = next(data for _, name, data in second.events if name == "stats")
    assert {row["queue"] for row in stats["queues"]} >= {"high", "default", "low"}


def test_streams_are_bounded_and_one_that_is_left_makes_room(served):
    result = garden.note.enqueue(name="never run")
    path = f"tasks/{result.id}/events"
    keys = [served.api_key("operator"), served.api_key("auditor")]
    open_ones = [Listener(served, path, keys[0]) for _ in range(3)]
    assert [one.answer.status_code for one in open_ones] == [200] * 3
    refused = Listener(served, path, keys[1]).answer
    assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0
    # The rest of the site is served as before.
    assert served.call("GET", f"tasks/{result.id}", token=keys[1]).status_code == 200
    open_ones[0].hang_up()
    eventually(lambda: Listener(served, path, keys[1]).answer.status_code == 200, within_s=6, log=served.processes.log)


def test_no_stream_keeps_a_connection_to_postgresql(served):
    from django.db import connection

    result = garden.note.enqueue(name="never run")
    key = served.api_key("operator")
    streams = [Listener(served, f"tasks/{result.id}/events", key) for _ in range(3)]
    eventually(lambda: all(one.events for one in streams), log=served.processes.log)

    def sessions() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                           "AND pid <> pg_backend_pid() AND application_name = 'millrace'")  # fmt: skip
            return cursor.fetchone()[0]

    # The hub's, and that of a thread that looked whether the site is ready.
    eventually(lambda: sessions() <= 2, log=served.processes.log)
    for one in streams:
        one.hang_up()
    eventually(lambda: sessions() <= 1, log=served.processes.log)


def test_a_server_that_is_told_to_stop_does_not_wait_for_its_streams(site):
    server = site.serve(TASK_STREAMS="3")
    result = garden.note.enqueue(name="never run")
    stream = Listener(site, f"tasks/{result.id}/events", site.api_key("operator"))
    eventually(lambda: stream.events, log=site.processes.log)
    started = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(12) == 0 and time.monotonic() - started < 8
    assert stream.ended
