"""Sessions of recording, their measurements (IQ data described by SigMF), and what was measured on them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now


class RecordingSession(models.Model):
    """A time in which a receiver listened. Its measurements belong together.

    Only a completed one is extracted: before that, measurements may still come.
    """

    class Status(models.TextChoices):
        RECORDING = "recording"
        COMPLETED = "completed"
        FAILED = "failed"  # the receiver gave up; its measurements are kept and not extracted

    class Source(models.TextChoices):
        UPLOAD = "upload"
        REGISTERED = "registered"  # from a directory; its files stay where they are
        SYNTHETIC = "synthetic"

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.RECORDING)
    source = models.CharField(max_length=10, choices=Source, default=Source.UPLOAD)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    session_start = models.DateTimeField(db_default=Now())
    session_end = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "recording_sessions"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(session_end=None) | Q(session_end__gte=F("session_start")), name="session_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="session_newest")]

    def __str__(self) -> str:
        return self.name


class Measurement(models.Model):
    """One SigMF recording: samples in a file, and the metadata that came with them.

    iq_data_location: where the samples are: a name below MEDIA_ROOT, or the absolute path of a registered file; empty
    for metadata without samples. Frequencies in Hz, null where the metadata does not say: nothing is invented.
    sample_count: samples of each channel. header_bytes and trailing_bytes: bytes of the file that are no samples.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    session = models.ForeignKey(RecordingSession, models.CASCADE, related_name="measurements")
    name = models.CharField(max_length=200)
    captured_at = models.DateTimeField(db_default=Now())
    datatype = models.CharField(max_length=12)
    sample_rate = models.FloatField(null=True)
    frequency = models.FloatField(null=True)
    num_channels = models.PositiveSmallIntegerField(default=1)
    sample_count = models.BigIntegerField(default=0)
    header_bytes = models.BigIntegerField(default=0)
    trailing_bytes = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    iq_data_location = models.CharField(max_length=500, default="", blank=True)
    sha512 = models.CharField(max_length=128, default="", blank=True)  # of the file of samples
    metadata = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "measurements"
        ordering = ["-created_at", "-id"]
        permissions = [("extract_measurement", "Can start the extraction of features")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    sample_count__gte=0,
                    header_bytes__gte=0,
                    trailing_bytes__gte=0,
                    size_bytes__gte=0,
                    num_channels__gte=1,
                ),
                name="measurement_counts",
            ),
            models.CheckConstraint(
                condition=Q(sample_rate=None) | Q(sample_rate__gt=0, sample_rate__lt=1e15), name="measurement_rate"
            ),
            models.UniqueConstraint(
                fields=["iq_data_location"], condition=~Q(iq_data_location=""), name="measurement_of_file"
            ),
            models.UniqueConstraint(fields=["session", "name"], name="measurement_of_session"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="measurement_newest")]

    def __str__(self) -> str:
        return self.name


class MeasurementFeatures(models.Model):
    """What was measured on the samples of a measurement, once. Rows never change.

    numbers: what `recordings.signal` measures, by name; null where it cannot be said. Null in `numbers` as a whole and
    an `error` when the samples cannot be read. spectrogram, spectrum: names of pictures below MEDIA_ROOT.
    """

    measurement = models.OneToOneField(Measurement, models.CASCADE, primary_key=True, related_name="features")
    # Of the measurement: whole sessions without features are found by it.
    recording_session = models.ForeignKey(RecordingSession, models.CASCADE, related_name="features")
    extractor_version = models.CharField(max_length=20)
    numbers = models.JSONField(null=True)
    error = models.CharField(max_length=500, default="", blank=True)
    spectrogram = models.CharField(max_length=200, default="", blank=True)
    spectrum = models.CharField(max_length=200, default="", blank=True)
    samples = models.BigIntegerField(default=0)  # that were read
    seconds = models.FloatField(default=0)  # of processor time
    task_id = models.UUIDField(null=True)
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "measurement_features"
        ordering = ["-computed_at", "-measurement_id"]
        verbose_name_plural = "measurement features"
        constraints = [
            models.CheckConstraint(
                condition=Q(numbers__isnull=False, error="") | Q(numbers__isnull=True) & ~Q(error=""),
                name="features_or_error",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]
