"""Claims, the evidence they are held against, runs that verify them, and verdicts."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, GeneratedField, Q
from django.db.models.functions import Now


class Label(models.TextChoices):
    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    DISPUTED = "DISPUTED"  # good evidence on both sides
    NOT_ENOUGH_INFO = "NOT_ENOUGH_INFO"


class Corpus(models.Model):
    """Documents of one source, loaded together.

    version: how many loads changed something. document_count: of the documents it holds now. mean_words: how many
    different words a document has on average.
    """

    name = models.SlugField(max_length=60, primary_key=True)
    title = models.CharField(max_length=200)
    licence = models.CharField(max_length=200, default="", blank=True)
    source_url = models.URLField(max_length=500, default="", blank=True)
    version = models.PositiveIntegerField(default=0)
    document_count = models.PositiveIntegerField(default=0)
    mean_words = models.FloatField(default=0)
    is_active = models.BooleanField(default=True)  # new verifications look into it
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "corpora"

    def __str__(self) -> str:
        return self.title


class Document(models.Model):
    """One version of a text of a corpus. Texts never change: a changed one is a new row that supersedes the old.

    sentences: in order, as the source has them. since, until: the versions of the corpus that hold it, `until` not
    included; no `until`: it still does.
    """

    corpus = models.ForeignKey(Corpus, models.PROTECT, related_name="documents", db_index=False)
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=500, default="", blank=True)
    url = models.URLField(max_length=1000, default="", blank=True)
    sentences = models.JSONField()
    body = models.TextField()  # title and sentences, as they are searched
    sha256 = models.CharField(max_length=64)  # of title and sentences
    since = models.PositiveIntegerField()
    until = models.PositiveIntegerField(null=True)
    search = GeneratedField(
        expression=SearchVector("body", config="english"), output_field=SearchVectorField(), db_persist=True
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["corpus_id", "external_id", "-since"]
        constraints = [
            models.UniqueConstraint(fields=["corpus", "external_id", "since"], name="document_version"),
            models.UniqueConstraint(fields=["corpus", "external_id"], condition=Q(until=None), name="document_current"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=F("since")), name="document_ends_later"),
        ]
        # No list of what is pending: the first searches after a load would read it word by word.
        indexes = [GinIndex(fields=["search"], name="document_search", condition=Q(until=None), fastupdate=False)]
        triggers = [
            pgtrigger.Protect(
                name="texts_stay",
                operation=pgtrigger.UpdateOf("corpus_id", "external_id", "title", "sentences", "body", "sha256"),
            )
        ]

    def __str__(self) -> str:
        return self.title or self.external_id


class WordCount(models.Model):
    """In how many documents that a corpus holds now a lexeme is: what tells rare words from common ones."""

    pk = models.CompositePrimaryKey("corpus_id", "lexeme")
    corpus = models.ForeignKey(Corpus, models.CASCADE, related_name="+", db_index=False)
    lexeme = models.TextField()
    documents = models.PositiveIntegerField()


class Claim(models.Model):
    """Something somebody said, as it is to be verified. verdict: the newest it has."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    text = models.TextField()
    source_url = models.URLField(max_length=1000, default="", blank=True)
    made_by = models.CharField(max_length=200, default="", blank=True)
    made_at = models.DateTimeField(null=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="claims", db_index=False
    )
    verdict = models.ForeignKey("Verdict", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]
        permissions = [("verify_claim", "Can start verifications")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="claim_newest"),
            models.Index(fields=["submitted_by", "-created_at", "-id"], name="claim_of_user"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class VerificationRun(models.Model):
    """One verification of a claim: asked for, done by a task, ended by a verdict or an error.

    only: names of the corpora it was told to look into; none: all that are active. corpora: the version of each that
    it looked into, by name. stages: seconds by stage.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Cause(models.TextChoices):
        ASKED = "asked"
        CORPUS_CHANGED = "corpus_changed"

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    claim = models.ForeignKey(Claim, models.CASCADE, related_name="runs")
    task_id = models.UUIDField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    cause = models.CharField(max_length=14, choices=Cause, default=Cause.ASKED)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    only = models.JSONField(default=list)
    corpora = models.JSONField(default=dict)
    stages = models.JSONField(default=dict)
    error = models.CharField(max_length=500, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            # However many ask at once, a claim is verified by one run at a time.
            models.UniqueConstraint(fields=["claim"], condition=Q(status="pending"), name="run_pending_once"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
            models.Index(fields=["-finished_at"], name="run_finished"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="ended_stays",
                operation=pgtrigger.UpdateOf("claim_id", "status", "corpora", "stages", "error", "finished_at"),
                condition=~pgtrigger.Q(old__status="pending"),
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class Verdict(models.Model):
    """What a run found. Rows never change; the newest of a claim is its verdict.

    probabilities: by label. confidence: the calibrated chance that the label is right. model_versions: version and
    SHA-256 of each model that had a part in it, by its role. previous: the verdict of the claim before this one;
    flipped: it had another label.
    """

    run = models.OneToOneField(VerificationRun, models.CASCADE, primary_key=True, related_name="verdict")
    claim = models.ForeignKey(Claim, models.CASCADE, related_name="verdicts", db_index=False)
    label = models.CharField(max_length=15, choices=Label)
    confidence = models.FloatField()
    probabilities = models.JSONField()
    model_versions = models.JSONField()
    previous = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    flipped = models.BooleanField(default=False)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-decided_at", "-run_id"]
        constraints = [
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="verdict_confidence"),
        ]
        indexes = [
            models.Index(fields=["-decided_at", "-run"], name="verdict_newest"),
            models.Index(fields=["claim", "-decided_at"], name="verdict_of_claim"),
            models.Index(fields=["label", "-decided_at"], name="verdict_by_label"),
            models.Index(fields=["-decided_at"], name="verdict_flipped", condition=Q(flipped=True)),
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only",
                operation=pgtrigger.UpdateOf(
                    "run_id", "claim_id", "label", "confidence", "probabilities", "model_versions", "flipped"
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.confidence:.2f})"


class VerdictSentence(models.Model):
    """A sentence that had a part in a verdict, as it was, with what each stage made of it.

    position: of the sentence in its document, from 0. rank: its place in this verdict, from 1. retrieval_score,
    rank_score: larger is better. stance: probabilities by SUPPORTED, REFUTED, NOT_ENOUGH_INFO. decided: the label
    stands on it.
    """

    verdict = models.ForeignKey(Verdict, models.CASCADE, related_name="sentences", db_index=False)
    document = models.ForeignKey(Document, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    rank = models.PositiveSmallIntegerField()
    text = models.TextField()
    retrieval_score = models.FloatField()
    rank_score = models.FloatField()
    stance = models.JSONField()
    decided = models.BooleanField(default=False)

    class Meta:
        ordering = ["verdict_id", "rank"]
        constraints = [models.UniqueConstraint(fields=["verdict", "rank"], name="sentence_rank")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]
