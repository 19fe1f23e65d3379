"""The most memory that processes held, without what they share with others."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

EVERY_S = 0.02


class Peak:
    """Looks at processes until the end of the block; `mib` is the largest of them. Linux only, elsewhere 0."""

    def __init__(self, pids: Iterable[int | None]) -> None:
        self.pids = list(pids)
        self.mib = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.mib = max([self.mib, *(_own_mib(pid) for pid in self.pids)])
            if self._ended.wait(EVERY_S):
                return


def _own_mib(pid: int | None) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0.0)
