"""Values made once and kept in the data folder: passwords, secrets, ports. Files are readable by their owner only."""

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

DEVELOPMENT_SECRETS = ("SECRET_KEY", "JWT_KEY", "OTP_PEPPER", "AUDIT_KEY")


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step, mode 0600, so that nobody ever reads half of it."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        write_private(path, make())
    return path.read_text().strip()


def password(path: Path) -> str:
    return kept(path, lambda: secrets.token_hex(24))  # hex needs no quoting in a URL, in SQL or in redis.conf


def port(path: Path) -> int:
    """The port of the last time, so that open consoles keep working, or another if somebody took it since."""
    last = int(kept(path, lambda: str(any_port())))
    if is_free(last):
        return last
    write_private(path, str(any_port()))
    return int(path.read_text())


def any_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(number: int) -> bool:
    """Raises PermissionError for a port that this user may not open."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is no obstacle
        try:
            listener.bind(("127.0.0.1", number))
        except PermissionError:
            raise
        except OSError:
            return False
        return True


def development_secrets(path: Path) -> dict[str, str]:
    """The secrets of this data folder; a name that a later version adds is appended, the others never change."""
    known = read_environment(path)
    if missing := [name for name in DEVELOPMENT_SECRETS if name not in known]:
        known |= {name: secrets.token_urlsafe(48) for name in missing}
        write_environment(path, known)
    return known


def read_environment(path: Path) -> dict[str, str]:
    """What `write_environment` wrote; nothing when there is no such file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_environment(path: Path, values: dict[str, str]) -> None:
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()))
