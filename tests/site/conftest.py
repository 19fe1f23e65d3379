"""The whole product as it is served: gunicorn, workers and a scheduler as processes, spoken to over HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection

from tests.processes import ROOT, Processes, eventually


class Site:
    """A running site: `get`, `post` and `log_in` as a client program would."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.processes, self.folder = processes, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()

    def serve(self, **environment: str) -> subprocess.Popen:
        extra = {"MILLRACE_PORT": str(self.port), "MILLRACE_DATA": str(self.folder), **environment}
        child = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
            cwd=ROOT,
            env=self.processes.environment(**extra),
            stdout=self.processes.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.children.append(child)
        eventually(self.is_ready, log=self.processes.log)
        return child

    def is_ready(self) -> bool:
        try:
            return requests.get(self.url + "/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def call(self, method: str, path: str, *, token: str = "", **options: Any) -> requests.Response:
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.session.request(method, f"{self.url}/api/v1/{path}", headers=headers, timeout=20, **options)

    def log_in(self, phone: str) -> dict[str, str]:
        """Ask for a one-time code, read it from the outbox, and trade it for tokens."""
        assert self.call("POST", "auth/request-otp", json={"phone": phone}).status_code == 200
        message = eventually(lambda: next(iter(sorted(self.outbox())), None), log=self.processes.log)
        text = json.loads(message.read_text())["text"]
        code = "".join(char for char in text if char.isdigit())[:6]
        answer = self.call("POST", "auth/verify-otp", json={"phone": phone, "otp": code})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def outbox(self) -> list[Path]:
        folder = self.folder / "outbox" / "sms"
        return [file for file in folder.iterdir() if not file.name.startswith(".")] if folder.exists() else []

    def api_key(self, role: str) -> str:
        """A program's key, as `manage.py issue_token` prints it."""
        command = [sys.executable, "manage.py", "issue_token", "--user", f"{role}-program", "--role", role]
        done = subprocess.run(
            command, cwd=ROOT, env=self.processes.environment(), capture_output=True, text=True, check=True
        )
        assert len(done.stdout.split()) == 1
        return done.stdout.strip()

    def follow(self, task_id: str, token: str) -> dict[str, Any]:
        def ended() -> Any:
            task = self.call("GET", f"tasks/{task_id}", token=token).json()
            return task if task["status"] in {"completed", "failed", "cancelled"} else None

        return eventually(ended, log=self.processes.log)


@pytest.fixture
def site(processes: Processes, tmp_path: Path) -> Iterator[Site]:
    made = Site(processes, tmp_path / "data")
    yield made
    made.session.close()
    connection.close()
