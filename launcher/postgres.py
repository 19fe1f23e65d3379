"""A private PostgreSQL for development: 127.0.0.1 only, password always, its data survives restarts and kills."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from launcher import kept
from launcher.account import Place, place_for
from launcher.processes import Server, bound_to_me, stop
from launcher.report import LaunchError, log_file

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # no PG* variable of the user may interfere
MIB = 1024 * 1024
SYNC_METHOD = "syncfs" if sys.platform == "linux" else "fsync"  # one call instead of one for each of 1000 files

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # no faster here than TCP, and no limit on the length of a path
    "max_connections": "200",
    "shared_buffers": f"{min(1024, psutil.virtual_memory().total // MIB // 8)}MB",
    "work_mem": "64MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # two cores under load gain nothing; spares small /dev/shm of containers
    "log_checkpoints": "off",
    "recovery_init_sync_method": SYNC_METHOD,
}
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def postgres(data: Path, *, throwaway: bool = False) -> Iterator[Server]:
    """Run the server of this data folder. `throwaway` trades safety for speed. Raises LaunchError."""
    place, log = place_for(data), log_file(data, "postgres")
    cluster = place.home / "data"
    stop_server(cluster)
    if throwaway and (cluster / "postmaster.pid").exists():
        shutil.rmtree(cluster)  # without fsync, what a crash left is not worth trusting
    forget_dead_server(cluster)
    password = kept.password(data / "postgres.password")
    try:
        if not cluster.exists():
            _create(place, cluster, password, throwaway, log)
        yield _start(place, cluster, data, password, SETTINGS | (UNSAFE if throwaway else SAFE), log)
    finally:
        stop_server(cluster)


def _create(place: Place, cluster: Path, password: str, throwaway: bool, log: Path) -> None:
    """Make role and database `millrace`; a half-made cluster never gets the final name.

    The superuser has no password, so nobody logs in as one: the application gets along without, as in production.
    """
    new = cluster.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    options = ["-U", "postgres", "--auth=reject", "--encoding=UTF8", "--data-checksums"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(place, ["initdb", "-D", str(new), "--no-sync", *options], "", log)
    if (place.programs.parent / "share/postgresql/extension/vector.control").exists():  # only a superuser installs it
        _run(place, ["postgres", "--single", "-F", "-D", str(new), "template1"], "CREATE EXTENSION vector\n", log)
    (new / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    role = f"CREATE ROLE millrace LOGIN CREATEDB CREATEROLE PASSWORD '{password}'"
    stats = "GRANT pg_read_all_stats TO millrace WITH ADMIN OPTION"  # for the application: `grant_application`
    sql = f"{role}\n{stats}\nCREATE DATABASE millrace OWNER millrace\n"  # single-user mode: one statement a line
    if throwaway:  # tests put their database back past triggers
        sql += "GRANT SET ON PARAMETER session_replication_role TO millrace\n"
    _run(place, ["postgres", "--single", "-F", "-D", str(new), "postgres"], sql, log)
    if not throwaway:
        _run(place, ["initdb", "-D", str(new), "--sync-only", f"--sync-method={SYNC_METHOD}"], "", log)
    new.rename(cluster)


def _run(place: Place, command: list[str], text: str, log: Path) -> None:
    program = [str(place.programs / command[0]), *command[1:]]
    with log.open("ab") as out:
        done = subprocess.run(
            program, input=text.encode(), stdout=out, stderr=out, cwd="/", env=ENVIRONMENT, **place.run_as
        )
    if done.returncode:
        raise LaunchError(f"PostgreSQL could not be set up ({command[0]} failed).", log)


def _start(place: Place, cluster: Path, data: Path, password: str, settings: dict[str, str], log: Path) -> Server:
    """Start and wait until it answers. After a crash the old shared memory may take seconds to go: try for 5 s."""
    give_up = time.monotonic() + 5
    while True:
        port = kept.port(data / "postgres.port")
        options = [f"--{name}={value}" for name, value in {**settings, "port": str(port)}.items()]
        with log.open("ab") as out:
            process = subprocess.Popen(
                [place.programs / "postgres", "-D", cluster, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the launcher
                preexec_fn=bound_to_me(signal.SIGINT),
                **place.run_as,
            )
        if _is_ready(process, cluster):
            return Server("PostgreSQL", f"postgres://millrace:{password}@127.0.0.1:{port}/millrace", process, log)
        if time.monotonic() > give_up:
            raise LaunchError("PostgreSQL does not start.", log)
        time.sleep(0.5)


def _is_ready(process: subprocess.Popen[bytes], cluster: Path, timeout_s: float = 60) -> bool:
    """As pg_ctl does: the eighth line of the server's own pid file says so. Recovery after a crash takes its time."""
    give_up = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < give_up:
        lines = _pid_file(cluster)
        if lines[:1] == [str(process.pid)] and len(lines) > 7 and lines[7].strip() == "ready":
            return True
        time.sleep(0.02)
    return False


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def stop_server(cluster: Path) -> None:
    """Stop the server of this cluster, ours or one that a killed launcher left: clients are cut, data is written."""
    if process := _running(cluster):
        stop([process], signal.SIGINT, grace_s=60)


def forget_dead_server(cluster: Path) -> None:
    """Remove the pid file of a killed server: its number may belong to another program by now."""
    if not _running(cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _running(cluster: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int(_pid_file(cluster)[0]))
        return process if process.name() == "postgres" and str(cluster) in process.cmdline() else None
    except (IndexError, ValueError, psutil.Error):
        return None
