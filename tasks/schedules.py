"""Start periodic tasks: each slot once, whoever asks, by the database's clock."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django_tasks.base import TaskResult

from audit.services import log_audit_event
from base import context
from tasks.definitions import Periodic, periodic_tasks
from tasks.models import PeriodicRun, Schedule
from tasks.models.schedule import Missed
from tasks.rhythm import Every

logger = logging.getLogger(__name__)
MOST_MISSED = 100  # slots made up for at a time
FRESH = timedelta(seconds=60)  # a slot this young was not missed


def declare() -> None:
    """Bring the table in line with the code: new periodic tasks get a row, changed ones their rhythm."""
    declared = {periodic.task.name: periodic for periodic in periodic_tasks()}
    rows = Schedule.objects.in_bulk()
    for name, periodic in declared.items():
        wanted = {
            "rhythm": str(periodic.rhythm),
            "missed": periodic.missed,
            "kwargs": periodic.kwargs,
            "declared": True,
        }
        row = rows.get(name)
        if row is None or any(getattr(row, field) != value for field, value in wanted.items()):
            Schedule.objects.update_or_create(name=name, defaults=wanted)
    Schedule.objects.exclude(name__in=declared).filter(declared=True).update(declared=False, next_slot=None)


def enqueue_due() -> list[str]:
    """Enqueue every periodic task that has a slot to run. Returns their names. One that cannot holds up no other."""
    started = []
    for periodic in periodic_tasks():
        try:
            if tick(periodic):
                started.append(periodic.task.name)
        except (InterfaceError, OperationalError):  # PostgreSQL is away: so it is for the others
            raise
        except Exception:
            logger.exception("periodic task %s could not be enqueued; it is tried again", periodic.task.name)
    return started


def tick(periodic: Periodic) -> int:
    """Enqueue one periodic task for the slots that are due. Returns how many; other schedulers then find none."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update(skip_locked=True).filter(pk=periodic.task.name).first()
        if schedule is None or schedule.paused_at is not None:
            return 0
        now = _now()
        started = 0
        for slot in due_slots(periodic, schedule.last_slot, now):
            started += _start(periodic, schedule, slot)
        latest = periodic.rhythm.latest(now)
        if started or schedule.last_slot != latest or schedule.next_slot is None:
            schedule.last_slot, schedule.next_slot = latest, periodic.rhythm.following(latest)
            schedule.save(update_fields=["last_slot", "next_slot", "last_task"])
        return started


def due_slots(periodic: Periodic, last: datetime | None, now: datetime) -> list[datetime]:
    """The slots after `last` to run now, oldest first, by the missed-run policy."""
    latest = periodic.rhythm.latest(now)
    if last is not None and last >= latest:
        return []
    if last is None:  # new: an interval begins at once, a named time of day waits for its next
        return [latest] if isinstance(periodic.rhythm, Every) or now - latest < FRESH else []
    if periodic.missed == Missed.LATEST:
        return [latest]
    if periodic.missed == Missed.SKIP:
        return [latest] if now - latest < FRESH else []
    slots = []
    slot = periodic.rhythm.following(last)
    while slot <= latest:
        slots.append(slot)
        slot = periodic.rhythm.following(slot)
    return slots[-MOST_MISSED:]


def _start(periodic: Periodic, schedule: Schedule, slot: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_periodicrun (name, slot) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [schedule.name, slot],
        )
        row = cursor.fetchone()
    if row is None:
        return 0
    result = enqueue(periodic, slot=slot)
    PeriodicRun.objects.filter(pk=row[0]).update(task_id=result.id)
    schedule.last_task_id = result.id
    return 1


def enqueue(periodic: Periodic, *, slot: datetime | None = None) -> TaskResult:
    """Ask for a run. If the last one is still waiting, a further slot has nothing to add, unless all must run."""
    key = f"periodic:{periodic.task.name}"
    if periodic.missed == Missed.ALL and slot is not None:
        key += f":{slot:%Y-%m-%dT%H:%M:%S}"
    return periodic.task.using(coalesce_key=key).enqueue(**periodic.kwargs)


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


class UnknownSchedule(Exception):
    """No periodic task of this name is declared."""


@transaction.atomic
def run_now(*, name: str, reason: str = "") -> TaskResult:
    """Start a periodic task out of turn; its slots stay as they are. Raises UnknownSchedule."""
    periodic = _declared(name)
    result = enqueue(periodic)
    log_audit_event("schedule_run", "schedule", name, {"reason": reason, "task": result.id})
    return result


@transaction.atomic
def pause(*, name: str, reason: str) -> Schedule:
    """Let no slot start until it is resumed. Raises UnknownSchedule."""
    _declared(name)
    schedule = Schedule.objects.select_for_update().get(pk=name)
    if schedule.paused_at is None:
        schedule.paused_at, schedule.reason = _now(), reason[:300]
        schedule.paused_by_id = context.current().user_id
        schedule.save(update_fields=["paused_at", "paused_by", "reason"])
        log_audit_event("schedule_paused", "schedule", name, {"reason": reason})
    return schedule


@transaction.atomic
def resume(*, name: str, reason: str = "") -> Schedule:
    """Let its slots start again; the missed-run policy says what becomes of those between. Raises UnknownSchedule."""
    _declared(name)
    schedule = Schedule.objects.select_for_update().get(pk=name)
    if schedule.paused_at is not None:
        schedule.paused_at, schedule.paused_by_id, schedule.reason = None, None, ""
        schedule.save(update_fields=["paused_at", "paused_by", "reason"])
        log_audit_event("schedule_resumed", "schedule", name, {"reason": reason})
    return schedule


def _declared(name: str) -> Periodic:
    declare()
    for periodic in periodic_tasks():
        if periodic.task.name == name:
            return periodic
    raise UnknownSchedule(f"No periodic task is named {name}.")
