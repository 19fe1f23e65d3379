"""The feature store's rows: what happened, what is known, and what still waits to be counted."""

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from features.backfill.models import Backfill, BackfillChunk
from features.offline.models import Export, ExportedFile
from features.quality.models import QualityAlert, QualityReference, QualitySnapshot

__all__ = [
    "Backfill",
    "BackfillChunk",
    "CountDelta",
    "CoverageDay",
    "ErasedEntity",
    "Export",
    "ExportedFile",
    "FailedEntity",
    "FeatureHistory",
    "FeatureSetVersion",
    "FeatureValue",
    "KnownEntity",
    "QualityAlert",
    "QualityReference",
    "QualitySnapshot",
    "RawEvent",
    "StaleEntity",
    "StoredValue",
]


class NumericField(models.DecimalField):
    """PostgreSQL's unbounded numeric: a value keeps the decimals it came with, and sums stay exact."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 40)
        kwargs.setdefault("decimal_places", 18)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def db_type(self, connection: object) -> str:
        return "numeric"


class RawEvent(models.Model):
    """Something that happened to an entity. Added, never changed; (source, source_id) counts once."""

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=200)
    source_id = models.CharField(max_length=200)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=100)
    event_type = models.CharField(max_length=120)
    event_time = models.DateTimeField()  # when it happened
    recorded_at = models.DateTimeField(db_default=Now())  # when we learned it
    value = NumericField(null=True)
    payload = models.JSONField(default=dict)

    class Meta:
        db_table = "raw_events"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="raw_event_once"),
            # NaN sorts above Infinity, so this refuses both
            models.CheckConstraint(
                condition=Q(value__isnull=True)
                | Q(value__gt=Func(Value("-Infinity"), template="%(expressions)s::numeric"))
                & Q(value__lt=Func(Value("Infinity"), template="%(expressions)s::numeric")),
                name="raw_event_value_finite",
            ),
        ]
        indexes = [
            # Covers every feature over value and type: their aggregation never touches the table.
            models.Index(
                fields=["entity_type", "entity_id", "event_time"],
                include=["value", "event_type", "recorded_at", "id"],
                name="raw_event_covering",
            ),
            # All events of a type. Many rows share a key, so it is small and its pages are filled one after another.
            models.Index(fields=["event_type"], name="raw_event_of_type"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.event_type} {self.entity_type}:{self.entity_id}"


class KnownEntity(models.Model):
    """An entity that has raw events. Coverage reads this small table instead of the events, and computing locks it."""

    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "known entities"
        constraints = [models.UniqueConstraint(fields=["entity_type", "entity_id"], name="entity_once")]

    def __str__(self) -> str:
        return f"{self.entity_type}:{self.entity_id}"


class StaleEntity(models.Model):
    """A mark: this entity has events that no stored value has counted yet, or history that they have yet to correct.

    Removed in the transaction of the values that counted the events. An entity may have several marks; concurrent
    writers add one each instead of waiting for one another (docs/adr/0003-exactly-once-features.md).
    """

    id = models.BigAutoField(primary_key=True)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=100)
    events = models.IntegerField()  # how many it stands for; none when only history is left to correct
    from_event_id = models.BigIntegerField(null=True)  # the smallest of their ids; none without raw events
    earliest = models.DateTimeField()
    latest = models.DateTimeField()  # due from then on
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "stale entities"
        # Nothing that an update changes is indexed, so updates stay in their page (fillfactor 70).
        indexes = [models.Index(fields=["entity_type", "entity_id"], name="stale_by_entity")]

    def __str__(self) -> str:
        return f"{self.entity_type}:{self.entity_id}, {self.events} events"


class FailedEntity(models.Model):
    """An entity whose features could not be computed, and why. Removed when they are."""

    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=100)
    error = models.TextField()
    tries = models.PositiveSmallIntegerField(default=1)
    events = models.IntegerField(default=0)  # how many waited at the last try: more make it due at once
    retry_at = models.DateTimeField()
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "failed entities"
        constraints = [models.UniqueConstraint(fields=["entity_type", "entity_id"], name="failed_entity_once")]

    def __str__(self) -> str:
        return f"{self.entity_type}:{self.entity_id}"


class ErasedEntity(models.Model):
    """A tombstone: this entity was erased, and its events are refused from then on. A keyed hash stands for its id."""

    entity_type = models.CharField(max_length=60)
    digest = models.BinaryField(max_length=32)  # HMAC-SHA256, see features.erasure.erase
    erased_at = models.DateTimeField(db_default=Now())
    entity_id = models.CharField(max_length=100, null=True)  # noqa: DJ001 - only until exported files are rewritten

    class Meta:
        verbose_name_plural = "erased entities"
        constraints = [models.UniqueConstraint(fields=["entity_type", "digest"], name="erased_entity_once")]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.name}"

    @property
    def name(self) -> str:
        """What stands for the entity in the trail and in task rows."""
        return f"erased:{bytes(self.digest).hex()[:32]}"


class CountDelta(models.Model):
    """What a transaction added to a count, written in it; the sum is the count, exact in every snapshot."""

    id = models.BigAutoField(primary_key=True)
    what = models.CharField(max_length=100)
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.what} {self.n:+}"


class FeatureSetVersion(models.Model):
    """The catalogue: a definition that has been in use, and its checksum, which never changes."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=20)
    entity_type = models.CharField(max_length=60)
    checksum = models.CharField(max_length=64)
    definition = models.JSONField()
    description = models.TextField(default="")
    owner = models.CharField(max_length=100, default="")
    tags = models.JSONField(default=list)
    freshness_s = models.PositiveIntegerField(default=86_400)
    ttl_s = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    promoted_at = models.DateTimeField(null=True)  # of a version declared with live=False: from then on it is served

    class Meta:
        verbose_name = "feature set"
        ordering = ["name", "version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="feature_set_once")]
        permissions = [
            ("backfill_featureset", "Can extract and backfill features"),
            ("promote_featureset", "Can promote and withdraw versions"),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class CoverageDay(models.Model):
    """How well a feature set covered its entities at the end of a day (UTC), or up to now for today."""

    feature_set = models.ForeignKey(FeatureSetVersion, models.CASCADE, db_index=False, related_name="days")
    date = models.DateField()
    total = models.BigIntegerField()
    with_features = models.BigIntegerField()
    stale = models.BigIntegerField()
    failed = models.BigIntegerField()

    class Meta:
        ordering = ["date", "feature_set"]
        constraints = [models.UniqueConstraint(fields=["feature_set", "date"], name="coverage_day_once")]

    def __str__(self) -> str:
        return f"{self.feature_set_id} on {self.date}"

    @property
    def without_features(self) -> int:
        return self.total - self.with_features


class StoredValue(models.Model):
    """The features of one entity as of a time: all of a set's values, and where they came from."""

    # The catalogue's rows are never removed, so checking this reference on every value would buy nothing.
    feature_set = models.ForeignKey(
        FeatureSetVersion, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    entity_id = models.CharField(max_length=100)
    as_of = models.DateTimeField()  # no event after this was counted
    computed_at = models.DateTimeField()
    source_rows = models.PositiveIntegerField()
    vals = models.JSONField()
    task_id = models.UUIDField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.entity_id} as of {self.as_of:%Y-%m-%d %H:%M}"


class FeatureValue(StoredValue):
    """The latest values, for serving. No index on what an update changes, so updates stay in their page."""

    class Meta:
        db_table = "model_features"
        constraints = [models.UniqueConstraint(fields=["feature_set", "entity_id"], name="feature_value_latest")]


class FeatureHistory(StoredValue):
    """Every value that was ever stored, for audit and replay. Of several with one as-of time the newest is right."""

    class Meta:
        db_table = "model_features_history"
        verbose_name_plural = "feature history"
        indexes = [models.Index(F("feature_set"), F("entity_id"), F("as_of").desc(), name="feature_history_point")]


from features.training.models import Dataset  # noqa: E402, F401 - a model of this app
