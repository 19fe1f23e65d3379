"""`python -m tests.chaos --seed N --tasks N`: run the storm, print the verdict; the exit code says it too."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.chaos.plan import Ask, Fault, Plan, draw
from tests.chaos.world import ROOT, World

LEASE_S = 3
RECOVERED_WITHIN_S = 60.0  # more than any lease, sweep, backoff and restart together


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=10_000)
    options = parser.parse_args()
    plan = draw(options.seed, options.tasks)
    print(f"seed {options.seed}: {len(plan.asks)} tasks, {len(plan.faults)} faults, plan {plan.checksum}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="millrace-chaos-"))
    folder.chmod(0o755)
    for name in ("DATABASE_URL", "REDIS_URL", "PYTEST_XDIST_WORKER"):
        os.environ.pop(name, None)
    world = World(folder, lease_s=LEASE_S)
    try:
        os.environ.update(world.environment)
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
        return storm(world, plan)
    finally:
        world.end()
        from launcher.services import remove

        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)


def storm(world: World, plan: Plan) -> int:
    import django

    django.setup()
    from django.db import connection

    from tests.chaos.verdict import broken_promises, times
    from tests.garden.storm import TABLE

    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    world.start()
    client = Client(plan.asks)
    thread = threading.Thread(target=client.enqueue_all)
    started = time.monotonic()
    thread.start()
    wait(lambda: client.completed_some(), 60)  # the processes have started
    recovered: dict[str, list[float]] = defaultdict(list)
    said: list[str] = []
    for number, fault in enumerate(plan.faults, 1):
        time.sleep(fault.calm_s)
        took = survive(world, client, fault, number)
        recovered[fault.name].append(took)
        if took > RECOVERED_WITHIN_S:
            said.append(f"no recovery within {RECOVERED_WITHIN_S:.0f} s of: {fault.name} (fault {number})")
    client.hurry = True
    thread.join()
    quiet = wait(client.nothing_lives, 120 + len(plan.asks) / 20)
    seconds = time.monotonic() - started
    said += broken_promises(client.asked)
    for name, each in sorted(recovered.items()):
        print(f"  {name:20} {len(each):3} times, recovered after {times(each)}")
    print(f"recovery from a fault: {times([took for each in recovered.values() for took in each])}")
    print(f"states: {client.states()}; {seconds:.0f} s")
    for sentence in said[:40]:
        print(f"BROKEN: {sentence}")
    print(f"verdict: {'BROKEN' if said or not quiet else 'every promise kept'}", flush=True)
    if said:
        print(world.log.read_text()[-4000:], file=sys.stderr)
    return 1 if said or not quiet else 0


def survive(world: World, client: Client, fault: Fault, number: int) -> float:
    """Seconds from the fault until a new task is done and everything that ran at the fault has left its attempt."""
    victims = client.running()
    started = time.monotonic()
    if not world.inject(fault):
        wait(lambda: world.inject(fault), 20)  # its victim is just being replaced
    probe = client.ask(Ask(f"probe {number}", "probe", "weather", "high", 100))
    wait(lambda: client.is_done(probe) and not client.still_in(victims), RECOVERED_WITHIN_S + 5)
    return time.monotonic() - started


def wait(check: Any, within_s: float) -> bool:
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        if trying(check):
            return True
        time.sleep(0.05)
    return False


def trying(what: Any) -> Any:
    """None while PostgreSQL is away."""
    from django.db import Error, connection

    try:
        return what()
    except Error:
        connection.close()
        return None


class Client:
    """Whoever enqueues, cancels and looks: one who tries again when PostgreSQL is away."""

    def __init__(self, asks: list[Ask]) -> None:
        self.asks, self.hurry = asks, False
        self.asked: dict[str, tuple[str, bool]] = {}

    def enqueue_all(self) -> None:
        """In bursts, over the time of the storm; what is to be cancelled is cancelled some tasks later."""
        from django.db import connection

        to_cancel: list[str] = []
        for number, ask in enumerate(self.asks):
            task_id = self.ask(ask)
            if ask.kind == "cancelled":
                to_cancel.append(task_id)
            if len(to_cancel) > 3:
                self.cancel(to_cancel.pop(0))
            if number % 25 == 0 and not self.hurry:
                time.sleep(0.5)
        for task_id in to_cancel:
            self.cancel(task_id)
        connection.close()

    def ask(self, ask: Ask) -> str:
        """Enqueue until it is known to be committed: a commit whose answer was lost is looked for, not repeated."""
        from base.context import acting
        from tasks.models import Task
        from tests.garden import tasks as garden

        definition = getattr(garden, ask.task).using(queue_name=ask.queue, priority=ask.priority, unique_key=ask.key)
        while True:
            found = trying(lambda: list(Task.objects.filter(correlation_id=ask.name).values_list("pk", flat=True)))
            if found == []:
                with acting(correlation_id=ask.name):
                    result = trying(lambda: definition.enqueue(name=ask.name, **dict(ask.kwargs)))
                found = [result.id] if result else None
            if found:
                self.asked.setdefault(str(found[0]), (ask.kind, ask.kind == "cancelled"))
                return str(found[0])
            time.sleep(0.1)

    def cancel(self, task_id: str) -> None:
        from tasks import services

        def attempt() -> bool:
            try:
                services.cancel_task(task_id=task_id, reason="as planned")
            except services.WrongState:
                pass
            return True

        wait(attempt, 120)

    def completed_some(self) -> bool:
        from tasks.models import Task

        return Task.objects.filter(status="completed").exists()

    def running(self) -> dict[Any, int]:
        from tasks.models import Task

        found = trying(lambda: dict(Task.objects.filter(status="processing").values_list("pk", "attempt")))
        return found or {}

    def still_in(self, victims: dict[Any, int]) -> bool:
        return any(victims.get(pk) == attempt for pk, attempt in self._running().items())

    def _running(self) -> dict[Any, int]:
        from tasks.models import Task

        return dict(Task.objects.filter(status="processing").values_list("pk", "attempt"))

    def is_done(self, task_id: str) -> bool:
        from tasks.models import TERMINAL, Task

        return Task.objects.filter(pk=task_id, status__in=TERMINAL).exists()

    def nothing_lives(self) -> bool:
        from tasks.models import LIVE, Task

        return not Task.objects.filter(status__in=LIVE).exists()

    def states(self) -> dict[str, int]:
        from django.db.models import Count

        from tasks.models import Task

        return dict(Task.objects.values_list("status").annotate(n=Count("*")).order_by("status"))


if __name__ == "__main__":
    sys.exit(main())
