"""Claims as clients send and read them. Times in UTC, scores as the models give them, seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.validators import URLValidator
from django.utils import timezone
from rest_framework import serializers

from base.serializers import StrictSerializer
from claims.models import Claim, Corpus, Label, Verdict, VerificationRun
from claims.verification.following import states_of
from tasks.models import Status

LONGEST_CLAIM = 2_000
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
STATES = Status.choices
OUTDATED = "A corpus that it rests on has changed since."


class Text(serializers.CharField):
    """Text without control characters; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if CONTROL.search(text):
            raise serializers.ValidationError("May not hold control characters.")
        return text


class WebAddress(Text):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(URLValidator(schemes=["http", "https"]))


class ClaimCreateSerializer(StrictSerializer):
    text = Text(max_length=LONGEST_CLAIM)
    source_url = WebAddress(max_length=1_000, required=False, help_text="Where it was made.")
    made_by = Text(max_length=200, required=False, help_text="Who made it.")
    made_at = serializers.DateTimeField(required=False, help_text="When it was made; without a zone it is UTC.")

    def validate_made_at(self, moment: datetime) -> datetime:
        if moment > timezone.now():
            raise serializers.ValidationError("A claim is made before it is verified.")
        return moment


class VerifyClaimSerializer(StrictSerializer):
    corpora = serializers.ListField(
        child=serializers.SlugField(max_length=60),
        required=False,
        default=list,
        max_length=20,
        help_text="Look into these alone; else into all in use.",
    )


class ReverifyClaimsSerializer(StrictSerializer):
    corpus = serializers.SlugField(max_length=60, required=False, help_text="Only what rests on this one.")
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    dry_run = serializers.BooleanField(default=False)


class ClaimFilter(StrictSerializer):
    """By the newest verdict."""

    label = serializers.ChoiceField(choices=Label.choices, required=False)  # type: ignore[assignment]
    flipped = serializers.BooleanField(required=False, help_text="It differs from the one before.")
    verified = serializers.BooleanField(required=False, help_text="There is one.")


class VerificationRunSerializer(serializers.Serializer):
    """A verification. state: in the words of tasks. only: the corpora it was told to look into; empty for all."""

    run_id = serializers.UUIDField()
    task_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=STATES)
    cause = serializers.ChoiceField(choices=VerificationRun.Cause.choices)
    only = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class BriefVerdictSerializer(serializers.Serializer):
    run_id = serializers.UUIDField()
    label = serializers.ChoiceField(choices=Label.choices)  # type: ignore[assignment]
    confidence = serializers.FloatField(help_text="The calibrated chance that the label is right.")
    flipped = serializers.BooleanField()
    decided_at = serializers.DateTimeField()


class ClaimSerializer(serializers.Serializer):
    """A claim with its newest verdict and its newest verification."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    source_url = serializers.CharField(allow_blank=True)
    made_by = serializers.CharField(allow_blank=True)
    made_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    verdict = BriefVerdictSerializer(allow_null=True)
    verification = VerificationRunSerializer(allow_null=True)


class VerifyAnswerSerializer(serializers.Serializer):
    """`status` is the task's: of the one under way, where there is one."""

    task_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=STATES)
    message = serializers.CharField()
    claim_id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    verdict = serializers.CharField(help_text="Where the verdict will be.")


class ReverifyAnswerSerializer(serializers.Serializer):
    task_id = serializers.UUIDField(required=False)
    status = serializers.CharField()
    message = serializers.CharField()
    claims = serializers.IntegerField(help_text="Whose evidence has changed since their verdict.")
    at_least = serializers.BooleanField(help_text="There are more; it was not counted further.")


class EvidenceDocumentSerializer(serializers.Serializer):
    """The version of a document that was looked into. is_current: the corpus still has it."""

    id = serializers.IntegerField()
    external_id = serializers.CharField()
    corpus = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    is_current = serializers.BooleanField()


class VerdictSentenceSerializer(serializers.Serializer):
    """decided: the label stands on it. position: in its document, from 0. Larger scores are better."""

    rank = serializers.IntegerField()
    text = serializers.CharField()
    decided = serializers.BooleanField()
    position = serializers.IntegerField()
    retrieval_score = serializers.FloatField()
    rank_score = serializers.FloatField()
    stance = serializers.DictField(child=serializers.FloatField(), help_text="Probabilities by label.")
    document = EvidenceDocumentSerializer()


class PastVerdictSerializer(BriefVerdictSerializer):
    """corpora: versions that were looked into, by name. stages: seconds by stage."""

    probabilities = serializers.DictField(child=serializers.FloatField())
    corpora = serializers.DictField(child=serializers.IntegerField())
    stages = serializers.DictField(child=serializers.FloatField())
    model_versions = serializers.JSONField()
    task_id = serializers.UUIDField()
    cause = serializers.ChoiceField(choices=VerificationRun.Cause.choices)


class ClaimVerdictSerializer(PastVerdictSerializer):
    claim_id = serializers.UUIDField()
    claim = serializers.CharField()
    outdated = serializers.BooleanField(help_text=OUTDATED)
    previous = BriefVerdictSerializer(allow_null=True)
    sentences = VerdictSentenceSerializer(many=True)
    verification = VerificationRunSerializer(allow_null=True)
    claim_review = serializers.CharField()


class CorpusSerializer(serializers.ModelSerializer):
    class Meta:
        model = Corpus
        fields = ["name", "title", "licence", "source_url", "version", "document_count", "is_active", "changed_at"]


class CorporaSerializer(serializers.Serializer):
    results = CorpusSerializer(many=True)


def claim_bodies(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    claims = list(claims)
    newest = VerificationRun.objects.filter(claim__in=claims).order_by("claim_id", "-id").distinct("claim_id")
    runs = {run.claim_id: run for run in newest}
    states = states_of(runs.values())
    return [
        {
            "id": claim.pk,
            "text": claim.text,
            "source_url": claim.source_url,
            "made_by": claim.made_by,
            "made_at": claim.made_at,
            "created_at": claim.created_at,
            "verdict": brief_body(claim.verdict) if claim.verdict else None,
            "verification": run_body(run, states[run.pk]) if (run := runs.get(claim.pk)) else None,
        }
        for claim in claims
    ]


def run_body(run: VerificationRun, state: str) -> dict[str, Any]:
    same = ("task_id", "cause", "only", "error", "created_at", "finished_at")
    return {"run_id": run.pk, "state": state} | {name: getattr(run, name) for name in same}


def brief_body(verdict: Verdict) -> dict[str, Any]:
    same = ("label", "confidence", "flipped", "decided_at")
    return {"run_id": verdict.pk} | {name: getattr(verdict, name) for name in same}


def past_body(verdict: Verdict) -> dict[str, Any]:
    run = verdict.run
    return brief_body(verdict) | {
        "probabilities": verdict.probabilities,
        "corpora": run.corpora,
        "stages": run.stages,
        "model_versions": verdict.model_versions,
        "task_id": run.task_id,
        "cause": run.cause,
    }


def verdict_body(claim: Claim, verdict: Verdict, *, outdated: bool, latest: VerificationRun | None) -> dict[str, Any]:
    state = states_of([latest])[latest.pk] if latest else ""
    return past_body(verdict) | {
        "claim_id": claim.pk,
        "claim": claim.text,
        "outdated": outdated,
        "previous": brief_body(verdict.previous) if verdict.previous else None,
        "sentences": [sentence_body(one) for one in verdict.sentences.select_related("document")],
        "verification": run_body(latest, state) if latest else None,
        "claim_review": f"/api/v1/verdicts/{claim.pk}/claimreview",
    }


def sentence_body(one: Any) -> dict[str, Any]:
    same = ("rank", "text", "decided", "position", "retrieval_score", "rank_score", "stance")
    document = one.document
    return {name: getattr(one, name) for name in same} | {
        "document": {
            "id": document.pk,
            "external_id": document.external_id,
            "corpus": document.corpus_id,
            "title": document.title,
            "url": document.url,
            "is_current": document.until is None,
        }
    }
