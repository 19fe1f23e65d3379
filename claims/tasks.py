"""What claims do behind: verifications, and new ones of what rests on evidence that has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.services import log_audit_event
from base import context as caller
from base.artifacts import ArtifactError
from claims.models import Claim, Verdict, VerificationRun
from claims.verification import following, outdated, stages, verdicts
from tasks.definitions import PermanentError, TemporaryError, every, task
from tasks.execution import TaskContext


@task(takes_context=True, atomic=False, timeout_s=120, result_ttl_s=3600)
def verify_claim(context: TaskContext, *, claim_id: str) -> dict[str, Any]:
    """Hold a claim against the evidence and store the verdict, which stays when this result is gone.

    Raises PermanentError for a claim that is deleted, for a run that is over, and where there is no evidence.
    """
    claim = Claim.objects.filter(pk=claim_id).first()
    if claim is None:
        raise PermanentError("The claim is deleted.")
    run = _run_of(claim, context.task_id)
    if run.status == VerificationRun.Status.COMPLETED:  # by an attempt that died before it could say so
        return _result(Verdict.objects.get(pk=run.pk))
    corpora = stages.versions_of(run.only)
    if not corpora:
        raise PermanentError("There is no evidence to hold the claim against.")
    try:
        outcome = stages.run_stages(claim.text, corpora, context.progress)
    except ArtifactError as error:
        if isinstance(error.__cause__, OSError):  # a disk that is away may come back
            raise TemporaryError(str(error)) from error
        raise
    try:
        return _result(verdicts.store_verdict(run, outcome, before_commit=context.fence))
    except (Claim.DoesNotExist, verdicts.RunOver) as error:
        raise PermanentError(str(error)) from error


def _run_of(claim: Claim, task_id: str) -> VerificationRun:
    """The run that was stored with this task; a new one where staff had a failed task tried again."""
    run = VerificationRun.objects.filter(claim=claim, task_id=task_id).first()
    if run is not None:
        return run
    with transaction.atomic():
        Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
        following.close_ended(claim.pk)
        if VerificationRun.objects.filter(claim=claim, status=VerificationRun.Status.PENDING).exists():
            raise PermanentError("Another verification of the claim is under way.")
        return VerificationRun.objects.create(claim=claim, task_id=task_id)


def _result(verdict: Verdict) -> dict[str, Any]:
    return {
        "claim_id": str(verdict.claim_id),
        "run_id": str(verdict.pk),
        "label": verdict.label,
        "confidence": verdict.confidence,
        "flipped": verdict.flipped,
        "verdict": f"/api/v1/verdicts/{verdict.claim_id}",
    }


@every(timedelta(minutes=1))
@task(queue_name="low")
def follow_runs() -> dict[str, int]:
    """End the runs whose task ended without a verdict."""
    return {"closed": following.close_ended()}


BATCH = 100  # claims queued in one transaction


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600, max_running=1)
def reverify_claims(context: TaskContext, *, corpus: str | None) -> dict[str, Any]:
    """Queue a verification of each claim whose evidence has changed since its verdict."""
    following.close_ended()
    expected, queued = outdated.count_outdated(corpus), 0
    for queued in queue_outdated(corpus, before_commit=context.fence):
        context.progress(100 * queued / max(expected, queued), f"{queued:,} of {expected:,} claims")
    return {"corpus": corpus, "queued": queued}


def queue_outdated(corpus: str | None, *, before_commit: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Start runs in batches, each a transaction of its own; yields how many there are so far."""
    queued, after = 0, None
    while True:
        with transaction.atomic():
            batch = outdated.lock_outdated(corpus, after=after, limit=BATCH)
            # A run that was asked for while we waited for the lock was not to be seen before it.
            busy = VerificationRun.objects.filter(claim__in=[claim for claim, _ in batch], status="pending")
            taken = set(busy.values_list("claim_id", flat=True))
            fresh = [(claim, only) for claim, only in batch if claim.pk not in taken]
            for claim, only in fresh:
                start_run(claim, only=only, cause=VerificationRun.Cause.CORPUS_CHANGED, queue_name="low")
            before_commit()
        if not batch:
            return
        after, queued = batch[-1][0].pk, queued + len(fresh)
        yield queued


def start_run(claim: Claim, *, only: list[str], cause: str, queue_name: str = "") -> VerificationRun:
    """A run and its task, in the caller's transaction, which holds the claim's lock and has seen no other run."""
    options: dict[str, Any] = {"subject": ("claim", str(claim.pk))}
    if queue_name:
        options["queue_name"] = queue_name
    task = verify_claim.using(**options).enqueue(claim_id=str(claim.pk))
    run = VerificationRun.objects.create(
        claim=claim, task_id=UUID(task.id), requested_by_id=caller.current().user_id, cause=cause, only=only
    )
    told = {"run_id": str(run.pk), "task_id": task.id, "cause": cause, "corpora": only}
    log_audit_event("claim_verification_requested", "claim", claim.pk, told)
    return run
