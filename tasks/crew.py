"""The workers that are alive, as RQ knows them, and what each runs, as PostgreSQL knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from redis.exceptions import RedisError
from rq import Worker

from tasks import bell
from tasks.models import Status, Task


@dataclass(slots=True)
class Member:
    """state: RQ's word, or empty for a worker that only its task's row tells of."""

    name: str
    state: str = ""
    queues: list[str] = field(default_factory=list)
    born: datetime | None = None
    tasks: list[Task] = field(default_factory=list)


def crew() -> tuple[list[Member], bool]:
    """Everybody by name; and whether Redis could be asked. Without it, those are seen who run something."""
    members: dict[str, Member] = {}
    try:
        for worker in Worker.all(connection=bell.connection()):
            members[worker.name] = Member(
                name=worker.name, state=str(worker.get_state()), queues=worker.queue_names(),
                born=worker.birth_date and worker.birth_date.replace(tzinfo=UTC),
            )  # fmt: skip
        asked = True
    except (RedisError, OSError):
        asked = False
    running = Task.objects.filter(status=Status.PROCESSING).order_by("lease_until")
    for task in running.only("name", "worker", "attempt_started_at", "lease_until", "progress")[:200]:
        name = task.worker.rpartition("/")[0] or task.worker  # a worker's work-horse is named name/pid
        members.setdefault(name, Member(name=name)).tasks.append(task)
    return sorted(members.values(), key=lambda member: member.name), asked
