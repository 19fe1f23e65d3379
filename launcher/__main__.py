"""`python -m launcher up | run | services | remove`: see --help."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from launcher.processes import bound_to_me
from launcher.report import LaunchError, say
from launcher.services import data_folder, remove, services
from launcher.up import up


def main() -> int:
    options = parser().parse_args()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, interrupt)
    try:
        return {"up": start, "run": run, "services": serve, "remove": forget}[options.command](options)
    except KeyboardInterrupt:
        say("Stopped.")
        return 130 if options.command == "run" else 0
    except LaunchError as error:
        error.tell()
    except PermissionError as error:
        say(f"No permission for {error.filename or 'that port'}. Was it made by another user? ({error.strerror})")
    return 1


def interrupt(*_) -> None:
    """The first signal unwinds everything; later ones must not disturb that."""
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: None)
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    folder = argparse.ArgumentParser(add_help=False)
    default = Path(os.environ.get("MILLRACE_DATA") or ".data")
    folder.add_argument("--data", type=Path, default=default, help="data folder (MILLRACE_DATA, .data)")
    result = argparse.ArgumentParser(prog="python -m launcher", description="Start Millrace and what it needs.")
    commands = result.add_subparsers(dest="command", required=True)
    commands.add_parser("up", parents=[folder], help="everything, until Ctrl-C")
    command = commands.add_parser("run", parents=[folder], help="one command beside PostgreSQL and Redis")
    command.add_argument("--throwaway", action="store_true", help="fast, unsafe servers, for tests")
    command.add_argument("arguments", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    commands.add_parser("services", parents=[folder], help="only PostgreSQL and Redis, until Ctrl-C")
    commands.add_parser("remove", parents=[folder], help="delete the data folder")
    return result


def start(options: argparse.Namespace) -> int:
    return up(options.data)


def run(options: argparse.Namespace) -> int:
    """Run a command with DATABASE_URL and REDIS_URL set and give back its exit code."""
    command = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    if not command:
        raise LaunchError("Say what to run: python -m launcher run -- COMMAND ...")
    with data_folder(options.data) as data, services(data, throwaway=options.throwaway) as running:
        try:
            child = subprocess.Popen(command, env=running.environment, preexec_fn=bound_to_me(signal.SIGTERM))
        except FileNotFoundError:
            raise LaunchError(f"There is no program {command[0]}.") from None
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the command by itself
        code = child.wait()
        signal.signal(signal.SIGTERM, lambda *_: None)
    return code if code >= 0 else 128 - code


def serve(options: argparse.Namespace) -> int:
    """Run the servers alone, for developers who start the rest themselves."""
    with data_folder(options.data) as data, services(data) as running:
        say(str(running))
        for name in ("DATABASE_URL", "REDIS_URL"):
            say(f"export {name}={running.environment[name]}")
        say("Ctrl-C stops them; the data stays.")
        while all(server.process.poll() is None for server in running.servers):
            time.sleep(0.5)
        ended = next(server for server in running.servers if server.process.poll() is not None)
        raise LaunchError(f"{ended.name} ended by itself; all was stopped.", ended.log)


def forget(options: argparse.Namespace) -> int:
    remove(options.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
