"""Ask for a verification: one run at a time, however many ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from audit.services import log_audit_event
from claims import tasks
from claims.models import Claim, Corpus, VerificationRun
from claims.verification.following import close_ended
from tasks.models import Status, Task
from tasks.services import cancel_task


class NoEvidence(Exception):
    """No corpus is there to look into."""


class UnknownCorpus(Exception):
    """A corpus is not there, or not in use; the message names it."""


@transaction.atomic
def request_verification(
    *, claim_id: Any, corpora: Sequence[str] = (), cause: str = VerificationRun.Cause.ASKED, queue_name: str = ""
) -> tuple[VerificationRun, bool]:
    """Start a run, or return the one under way, and say which it was.

    corpora: look into these alone. A run that a changed corpus queued gives way before it has begun.
    Raises Claim.DoesNotExist, NoEvidence, UnknownCorpus.
    """
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim_id)
    only = sorted(set(corpora))
    refuse_unknown(only)
    close_ended(claim.pk)
    pending = VerificationRun.objects.filter(claim=claim, status=VerificationRun.Status.PENDING).first()
    if pending is not None and not _gives_way(pending):
        return pending, False
    return tasks.start_run(claim, only=only, cause=cause, queue_name=queue_name), True


def _gives_way(run: VerificationRun) -> bool:
    """Whoever asks does not wait behind a whole corpus: its run of the claim ends if it has not begun."""
    if run.cause != VerificationRun.Cause.CORPUS_CHANGED:
        return False
    waiting = Task.objects.select_for_update(skip_locked=True).filter(pk__in=[run.task_id], status=Status.PENDING)
    if not waiting:
        return False
    cancel_task(task_id=run.task_id, reason="Somebody asks for the verification.")
    return bool(close_ended(run.claim_id))


def refuse_unknown(only: Sequence[str]) -> None:
    """Raise UnknownCorpus for a name that is none of an active corpus, NoEvidence where there are none at all."""
    active = set(Corpus.objects.filter(is_active=True).values_list("name", flat=True))
    if not active:
        raise NoEvidence("There is no evidence to hold claims against yet.")
    for name in only:
        if name not in active:
            raise UnknownCorpus(f"There is no corpus {name!r} in use.")


@transaction.atomic
def request_reverification(*, corpus: str | None = None, reason: str = "") -> str:
    """Have the claims verified again whose evidence has changed, behind. Returns the id of the task that queues them.

    Requests that come before it starts share it. corpus: only what rests on that one. Raises UnknownCorpus, NoEvidence.
    """
    refuse_unknown([corpus] if corpus else [])
    subject = ("corpus", corpus) if corpus else ("", "")
    named = tasks.reverify_claims.using(coalesce_key=f"reverify_claims:{corpus or ''}", subject=subject)
    task_id = named.enqueue(corpus=corpus).id
    log_audit_event("reverification_requested", "corpus", corpus or "", {"task_id": task_id, "reason": reason})
    return task_id
