"""What a task may do to the process that runs it. Imported by tests.garden.tasks, so that they are registered."""

import ctypes
import os
import resource
import time

from django.contrib.auth.models import Group

from tasks.definitions import TemporaryError


def segfault() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def eat_memory() -> None:
    """As a library does whose allocation fails."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    try:
        bytearray(8 << 30)
    except MemoryError:
        os.abort()


def leave_a_child() -> None:
    """Die while a process of one's own lives on and holds everything open that was open."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os._exit(3)


def loop() -> None:
    while True:
        sum(range(1000))


def loop_in_c() -> None:
    """Hold the interpreter: neither a signal nor the heartbeat gets through."""
    sum(range(10**11))


def swallow() -> None:
    """Refuse to be interrupted."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            time.sleep(0.2)
        except BaseException:
            continue


def nap() -> None:
    time.sleep(120)


def odd_words() -> None:
    """An error whose text no database takes."""
    raise TemporaryError("half a character \ud800 and a NUL \x00")


def mute() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    raise Mute


HARDSHIPS = {
    function.__name__: function
    for function in (segfault, leave, eat_memory, leave_a_child, loop, loop_in_c, swallow, nap, odd_words, mute)
}


def suffer(how: str) -> None:
    Group.objects.create(name=f"suffered {how}")
    HARDSHIPS[how]()
