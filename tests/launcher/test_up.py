import os
import signal
import socket
import sys
import time

import psutil
import pytest

from launcher.processes import is_alive
from tests.launcher.standin import Launcher, free_port, make_project, remove


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("up") / "project")
    yield project
    remove(project)


def find(launcher: Launcher, words: str) -> psutil.Process:
    return next(p for p in launcher.children() if words in " ".join(p.cmdline()) and p.name() != "sh")


def test_ctrl_c_stops_everything_in_order_and_the_next_start_has_the_data(project):
    first = Launcher(project, "up")
    text = first.says("Ready after")
    assert "starts: 1 1 as millrace_app" in text, "what serves owns nothing"
    started = first.children()

    code, text = first.stop(signal.SIGINT)

    assert code == 0 and text.endswith("Stopping.\nStopped.\n")
    assert not any(map(is_alive, started))
    stops = [float((project / f".data/logs/{name}.log").read_text().split()[-1]) for name in ("scheduler", "workers")]
    assert stops == sorted(stops)
    second = Launcher(project, "up")
    assert "starts: 2 2" in second.says("Ready after")
    assert second.stop()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start cleans up")
def test_kill_9_takes_programs_and_servers_along(project):
    launcher = Launcher(project, "up")
    launcher.says("Ready after")
    bound = [process for process in launcher.children() if "time.sleep(600)" not in process.cmdline()[-1]]
    assert len(bound) > 10

    launcher.stop(signal.SIGKILL)

    give_up = time.monotonic() + 20
    while left := [process for process in bound if is_alive(process)]:
        assert time.monotonic() < give_up, left
        time.sleep(0.1)


def test_a_start_right_after_kill_9_ends_what_is_left_and_has_the_data(project):
    killed = Launcher(project, "up")
    before = killed.says("starts:").split("starts: ")[1].split()[0]
    killed.says("Ready after")
    started = killed.children()

    killed.stop(signal.SIGKILL)

    successor = Launcher(project, "up")
    after = successor.says("Ready after").split("starts: ")[1].split()
    assert after[0] == str(int(before) + 1)
    assert not any(map(is_alive, started)), "also a worker's own child, which has a session of its own"
    assert successor.stop()[0] == 0


def test_a_program_that_ends_by_itself_stops_all_and_is_named(project):
    launcher = Launcher(project, "up")
    launcher.says("Ready after")
    started = launcher.children()

    find(launcher, "manage.py scheduler").kill()

    code, text = launcher.ends()
    assert code == 1 and "scheduler ended by itself" in text
    assert not any(map(is_alive, started))


def test_a_server_that_ends_by_itself_stops_all_and_is_named(project):
    launcher = Launcher(project, "up")
    launcher.says("Ready after")

    find(launcher, "redis-server").kill()

    code, text = launcher.ends()
    assert code == 1 and "Redis ended by itself" in text


def test_a_second_launcher_on_the_folder_refuses_and_the_first_goes_on(project):
    port = free_port()
    first = Launcher(project, "up", port=port)
    first.says("Ready after")
    (project / "output").rename(project / "output.first")
    second = Launcher(project, "up", port=port)

    code, text = second.ends()

    assert code == 1 and f"in use by another launcher (process {first.process.pid})" in text
    socket.create_connection(("127.0.0.1", port)).close()
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(30) == 0


def test_a_taken_port_is_one_sentence(project):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, text = Launcher(project, "up", port=port).ends()
    assert (code, text) == (1, f"Port {port} is taken by another program. Set MILLRACE_PORT to a free one.\n")


def test_a_failing_migration_ends_the_start_with_the_end_of_its_log(project):
    manage = project / "manage.py"
    good = manage.read_text()
    manage.write_text("raise SystemExit('no such column')")
    try:
        code, text = Launcher(project, "up").ends()
    finally:
        manage.write_text(good)
    assert code == 1 and "manage.py migrate failed." in text and "  | no such column" in text


def test_a_stop_during_the_start_is_clean(project):
    launcher = Launcher(project, "up")
    launcher.says("PostgreSQL and Redis: running")
    started = launcher.children()

    os.kill(launcher.process.pid, signal.SIGTERM)
    time.sleep(0.01)
    os.kill(launcher.process.pid, signal.SIGTERM)

    assert launcher.ends()[0] == 0
    assert not any(map(is_alive, started))
