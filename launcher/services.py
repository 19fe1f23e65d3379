"""The data folder and the two servers in it, as context managers: what they start ends with the block."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher import kept
from launcher.postgres import postgres
from launcher.processes import MARK, Server, sweep
from launcher.redis import redis
from launcher.report import LaunchError


@dataclass(frozen=True)
class Services:
    """`environment` is what a program needs to work with them; `servers` are those that we started ourselves."""

    environment: dict[str, str]
    servers: list[Server]
    started_in_s: float

    def __str__(self) -> str:
        if not self.servers:
            return "PostgreSQL and Redis: the servers of DATABASE_URL and REDIS_URL."
        return f"{' and '.join(server.name for server in self.servers)}: running ({self.started_in_s:.1f} s)."


@contextmanager
def data_folder(path: Path) -> Iterator[Path]:
    """Own the folder until the end of the block, and end everything started under it before and after.

    Raises LaunchError when another launcher owns it.
    """
    path.mkdir(parents=True, exist_ok=True)
    data = path.resolve()
    with (data / "launcher.lock").open("a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with our process, never inherited by a fork
        except OSError:
            lock.seek(0)
            owner = lock.read().strip() or "?"
            advice = "Stop it first, or set MILLRACE_DATA to another folder."
            raise LaunchError(f"{path} is in use by another launcher (process {owner}). {advice}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        sweep(data)
        try:
            yield data
        finally:
            sweep(data)


@contextmanager
def services(data: Path, *, throwaway: bool = False) -> Iterator[Services]:
    """PostgreSQL and Redis, started unless DATABASE_URL or REDIS_URL name servers that already run."""
    started = time.monotonic()
    with ExitStack() as stack:
        servers = []
        urls = {}
        for variable, server in (("DATABASE_URL", postgres), ("REDIS_URL", redis)):
            if url := os.environ.get(variable):
                urls[variable] = url
            else:
                servers.append(stack.enter_context(server(data, throwaway=throwaway)))
                urls[variable] = servers[-1].url
        stack.callback((data / "services.env").unlink, missing_ok=True)
        kept.write_environment(data / "services.env", urls)
        secrets = kept.development_secrets(data / "secrets.env")
        own = {name: os.environ.get(name) or value for name, value in secrets.items()}
        environment = {**os.environ, **own, **urls, "MILLRACE_DATA": str(data), MARK: str(data)}
        yield Services(environment, servers, time.monotonic() - started)


def remove(path: Path) -> None:
    """Remove a data folder, and the place outside it where root's PostgreSQL may live."""
    with data_folder(path) as data:
        for link in data.glob("**/postgres"):
            if link.is_symlink():
                shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(data)
