"""Rows about the quality of features: snapshots, what they are held against, and alerts."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

LEVELS = [(word, word) for word in ("steady", "watch", "drifted", "too_few", "no_reference")]


class Figures(models.Model):
    """One feature of one set. No entity ids: a sample of numbers, and words that at least five entities share."""

    feature_set = models.ForeignKey("features.FeatureSetVersion", models.PROTECT, related_name="+")
    feature = models.CharField(max_length=100)
    n = models.PositiveIntegerField()  # entities looked at
    nulls = models.PositiveIntegerField()
    edges = models.JSONField(default=list)  # where bins begin: the reference's, or without one the sample's deciles
    counts = models.JSONField(default=list)  # values in each bin, one more than there are edges
    sample = models.JSONField(default=list)
    words = models.JSONField(default=dict)  # of texts and booleans: the commonest and how often they came

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.feature

    @property
    def null_share(self) -> float:
        return self.nulls / self.n if self.n else 0.0


class QualitySnapshot(Figures):
    """A feature's values as they were at a time, and how far they lay from the reference.

    Times are measured by their age at the value's as-of time, in seconds.
    """

    taken_at = models.DateTimeField()
    entities = models.PositiveIntegerField()  # with values in all; more than n when it was sampled
    stale = models.PositiveIntegerField()  # of n: events wait for longer than the set's freshness
    range_violations = models.PositiveIntegerField(default=0)  # outside `expected`, or no finite number
    minimum = models.FloatField(null=True)
    maximum = models.FloatField(null=True)
    mean = models.FloatField(null=True)
    stddev = models.FloatField(null=True)
    deciles = models.JSONField(default=list)  # nine
    distinct = models.PositiveIntegerField()
    psi = models.FloatField(null=True)
    ks = models.FloatField(null=True)
    reference_n = models.PositiveIntegerField(default=0)
    level = models.CharField(max_length=12, choices=LEVELS)
    dropped = models.BooleanField(default=False)  # the sample and the words: only the figures are kept for long
    task_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["-taken_at", "-id"]
        indexes = [models.Index(fields=["feature_set", "feature", "-taken_at"], name="quality_snapshot_newest")]


class QualityReference(Figures):
    """What a feature's snapshots are held against: those of a period, put together.

    The first days of a version, growing until they are over, or a period that somebody chose.
    """

    since = models.DateTimeField()
    until = models.DateTimeField()
    snapshots = models.PositiveIntegerField()
    chosen_by = models.CharField(max_length=120, default="")  # an actor; nobody for the first days

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feature_set", "feature"], name="quality_reference_once")]


class QualityAlert(models.Model):
    """Something is wrong with a feature, or with a whole set (`feature` is empty): one row while it lasts."""

    class Kind(models.TextChoices):
        DRIFT = "drift"  # value: PSI
        NULLS = "nulls"  # value: share of nulls beyond the reference's
        RANGE = "range"  # value: share of values outside the expected range
        STALE = "stale"  # value: share of entities whose events wait for longer than the set's freshness
        FAILED = "failed"  # value: share of entities that cannot be computed

    feature_set = models.ForeignKey("features.FeatureSetVersion", models.PROTECT, related_name="+")
    feature = models.CharField(max_length=100, default="", blank=True)
    kind = models.CharField(max_length=6, choices=Kind)
    value = models.FloatField()  # the newest
    threshold = models.FloatField()
    n = models.PositiveIntegerField()
    opened_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())  # when it was last found
    closed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=120, default="")
    reason = models.CharField(max_length=300, default="")
    task_id = models.UUIDField(null=True)  # the task that tells of it

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature_set", "feature", "kind"],
                condition=Q(closed_at=None),
                name="quality_alert_once_while_it_lasts",
            )
        ]
        permissions = [("handle_qualityalert", "Can acknowledge alerts and choose references")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.feature or 'the set'}"
