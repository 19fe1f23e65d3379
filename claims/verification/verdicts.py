"""Store what a run found: run, verdict, sentences and the claim's newest verdict, all or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import log_audit_event
from claims.models import Claim, Verdict, VerdictSentence, VerificationRun
from claims.verification.stages import Outcome

MOST_SENTENCES = 50  # the decisive ones are kept in any case


class RunOver(Exception):
    """The run was ended while its stages ran; its outcome counts for nothing."""


@transaction.atomic
def store_verdict(run: VerificationRun, outcome: Outcome, *, before_commit: Callable[[], None]) -> Verdict:
    """End a pending run with its verdict. before_commit: the last thing in the transaction.

    Raises RunOver, and Claim.DoesNotExist for a claim that was deleted.
    """
    claim = Claim.objects.select_for_update(no_key=True).get(pk=run.claim_id)
    now, decision = timezone.now(), outcome.decision
    ended = VerificationRun.objects.filter(pk=run.pk, status=VerificationRun.Status.PENDING).update(
        status=VerificationRun.Status.COMPLETED, corpora=outcome.corpora, stages=outcome.stages, finished_at=now
    )
    if not ended:
        raise RunOver("The run was ended by somebody else.")
    previous = Verdict.objects.filter(pk=claim.verdict_id).first()
    verdict = Verdict.objects.create(
        run=run,
        claim=claim,
        label=str(decision.label),
        confidence=decision.confidence,
        probabilities=dict(decision.probabilities),
        model_versions=outcome.model_versions,
        previous=previous,
        flipped=previous is not None and previous.label != str(decision.label),
        decided_at=now,
    )
    VerdictSentence.objects.bulk_create(list(_sentences(verdict, outcome)))
    Claim.objects.filter(pk=claim.pk).update(verdict=verdict)
    told = {"run_id": str(run.pk), "label": verdict.label, "confidence": round(verdict.confidence, 4)}
    if verdict.flipped and previous is not None:
        told["was"] = previous.label
    log_audit_event("claim_verified", "claim", claim.pk, told)
    before_commit()
    return verdict


def _sentences(verdict: Verdict, outcome: Outcome) -> Any:
    deciding = set(outcome.decision.deciding)
    for index, stance in enumerate(outcome.stances):
        if index >= MOST_SENTENCES and index not in deciding:
            continue
        one = stance.candidate
        yield VerdictSentence(
            verdict=verdict,
            document_id=one.document_id,
            position=one.position,
            rank=index + 1,
            text=one.text,
            retrieval_score=one.retrieval_score,
            rank_score=one.rank_score,
            stance={str(label): share for label, share in stance.probabilities.items()},
            decided=index in deciding,
        )
