"""Virtual environments of the peers, made when asked for, and their processes. The product never sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(__file__).parents[1]
ALONE = {"DJANGO_SETTINGS_MODULE": "", "PYTHONPATH": str(ROOT)}  # they know nothing of ours


def python_of(name: str) -> str:
    """The interpreter of the environment of requirements/{name}.txt, made anew when a pin has changed."""
    pins = ROOT / "requirements" / f"{name}.txt"
    folder = Path(settings.DATA_DIR) / name
    python, made = folder / "bin" / "python", folder / "pins.txt"
    if not made.is_file() or made.read_text() != pins.read_text():
        print(f"Installing requirements/{name}.txt into an environment of its own.", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        quiet = ["--quiet", "--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), "-m", "pip", "install", *quiet, "-r", str(pins)], check=True)
        made.write_text(pins.read_text())
    return str(python)


class Peer:
    """A process of benchmarks.peers.calls."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child

    def __call__(self, call: str, *, times: int = 1, **arguments: Any) -> list[float]:
        """Milliseconds of each time. Raises RuntimeError when the process has ended."""
        assert self.child.stdin and self.child.stdout
        self.child.stdin.write(json.dumps({"call": call, "times": times, **arguments}) + "\n")
        self.child.stdin.flush()
        if not (line := self.child.stdout.readline()):
            raise RuntimeError(f"{call} ended its process; see the log of the benchmarks")
        return json.loads(line)


@contextmanager
def calling(python: str, module: str, *arguments: str, log: Path, **environment: str) -> Iterator[Peer]:
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [python, "-m", f"benchmarks.peers.{module}", *arguments],
            env={**os.environ, **ALONE, **environment},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield Peer(child)
    finally:
        if child.stdin:
            child.stdin.close()
        child.terminate()
        child.wait(30)
