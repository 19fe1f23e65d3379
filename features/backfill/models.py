"""A backfill and its chunks. Their states are changed by the statements of `chunks` and by `control` alone."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils import timezone


class State(models.TextChoices):
    PLANNED = "planned"  # its chunks are not cut yet
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"  # a chunk was given up


LIVE = (State.PLANNED, State.RUNNING, State.PAUSED)
TERMINAL = (State.COMPLETED, State.CANCELLED, State.FAILED)


class Scope(models.TextChoices):
    WAITING = "waiting", "what waits: no values, or uncounted events"
    EVERYONE = "everyone", "everyone, up to date or not"
    AS_OF = "as_of", "everyone as of a past time, into the history"


class Backfill(models.Model):
    """Computing the features of many entities: what was asked for, how far it is, how it ended.

    feature_sets: labels such as `plot_care@v1`; empty for all. entity_type: empty for all.
    rate: entities a second at most, of all its workers together. detached: run by tasks; else by a command.
    expected: entities it was going to work on when its chunks were cut.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    entity_type = models.CharField(max_length=60, default="")
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.WAITING)
    as_of = models.DateTimeField(null=True)
    feature_sets = models.JSONField(default=list)
    batch_size = models.PositiveIntegerField(default=500)
    max_batches = models.PositiveIntegerField(default=1_000_000)
    rate = models.PositiveIntegerField(null=True)
    workers = models.PositiveSmallIntegerField(default=1)
    detached = models.BooleanField(default=True)
    state = models.CharField(max_length=9, choices=State, default=State.PLANNED)
    expected = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    batches = models.PositiveIntegerField(default=0)
    paced_until = models.DateTimeField(null=True)  # by the rate, no batch begins before
    estimate = models.JSONField(null=True)
    reason = models.CharField(max_length=300, default="")
    note = models.CharField(max_length=300, default="")  # why it is in its state
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity_type", "scope"], condition=Q(state__in=LIVE), name="backfill_one_live"
            ),
            models.CheckConstraint(
                condition=Q(scope=Scope.AS_OF, as_of__isnull=False) | ~Q(scope=Scope.AS_OF) & Q(as_of=None),
                name="backfill_as_of_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=LIVE, finished_at=None) | Q(state__in=TERMINAL, finished_at__isnull=False),
                name="backfill_state_whole",
            ),
            models.CheckConstraint(condition=Q(rate=None) | Q(rate__gte=1), name="backfill_rate_moves"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="ended_is_ended",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> NEW.state AND OLD.state IN ('completed', 'cancelled', 'failed')"
                ),
                func="RAISE EXCEPTION 'A backfill does not go from % to %.', OLD.state, NEW.state;",
            )
        ]

    def __str__(self) -> str:
        return f"backfill of {self.entity_type or 'every entity type'}, {self.scope}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def percent(self) -> int:
        """0–100; 100 only when it is completed, as what was expected may be a guess."""
        if self.state == State.COMPLETED:
            return 100
        return min(99, 100 * (self.done + self.failed) // self.expected) if self.expected else 0

    def chunk_states(self) -> dict[str, int]:
        """How many of its chunks are in each state."""
        counted = self.chunks.order_by("state").values_list("state").annotate(number=models.Count("pk"))
        return dict(counted)

    @property
    def seconds(self) -> float:
        """From its start to its end, or to now."""
        if self.started_at is None:
            return 0.0
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def per_second(self) -> float:
        """Entities a second since it started, pauses included."""
        return (self.done + self.failed) / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> timedelta | None:
        """How long it takes yet at the speed it has had; None when nobody can tell."""
        if self.state != State.RUNNING or not self.per_second:
            return None
        return timedelta(seconds=max(self.expected - self.done - self.failed, 0) / self.per_second)


class BackfillChunk(models.Model):
    """A range of entity ids that one worker goes through in order, batch by batch.

    The range is (after, until]; without `until` it has no end. cursor: the last id that is done.
    token, lease_until: only the newest holder can store anything; another one may take over after the lease.
    tries: claims since the last stored batch. busy_s: time of its batches; database_s: of it, in PostgreSQL.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    backfill = models.ForeignKey(Backfill, models.CASCADE, db_index=False, related_name="chunks")
    number = models.PositiveIntegerField()
    entity_type = models.CharField(max_length=60)
    cursor = models.CharField(max_length=100)
    until = models.CharField(max_length=100, null=True)  # noqa: DJ001 - NULL: no end
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, default="")  # the last one, with its entity
    worker = models.CharField(max_length=120, default="")
    task_id = models.UUIDField(null=True)
    token = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    busy_s = models.FloatField(default=0)
    database_s = models.FloatField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["backfill", "number"]
        constraints = [
            models.UniqueConstraint(fields=["backfill", "number"], name="chunk_once"),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) | ~Q(state="running") & Q(lease_until=None),
                name="chunk_state_whole",
            ),
        ]
        indexes = [
            models.Index(
                F("entity_type"), F("finished_at").desc(), condition=Q(state="done", done__gt=0), name="chunk_measured"
            )
        ]

    def __str__(self) -> str:
        return f"chunk {self.number}"
