"""What the person at the console gets to read: calm sentences, and the end of a log when something failed."""

import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

LOG_LIMIT_BYTES = 10 * 1024 * 1024


class LaunchError(Exception):
    """Something a person has to do or to know. `log` is a file whose end explains it."""

    def __init__(self, sentence: str, log: Path | None = None) -> None:
        super().__init__(sentence)
        self.log = log

    def tell(self) -> None:
        print(self, file=sys.stderr)
        if self.log and self.log.is_file():
            print(f"The end of {self.log}:\n{tail(self.log)}", file=sys.stderr)


def say(text: str) -> None:
    with suppress(OSError):  # a console that went away is no reason to stop
        print(text, flush=True)


def tail(log: Path, lines: int = 20) -> str:
    with log.open(errors="replace") as file:
        return "".join(f"  | {line}" for line in deque(file, maxlen=lines)).rstrip()


def log_file(data: Path, name: str) -> Path:
    """The log of `name`; one that has grown large moves aside, once, to `.log.1`."""
    log = data / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.is_file() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch()
    return log
