"""Put a corpus in use, or leave it out of new verifications."""

from __future__ import annotations

from django.db import transaction

from audit.services import log_audit_event
from claims.models import Corpus


@transaction.atomic
def switch_corpus(*, name: str, is_active: bool, reason: str) -> Corpus:
    """Raises Corpus.DoesNotExist."""
    corpus = Corpus.objects.select_for_update().get(name=name)
    if corpus.is_active != is_active:
        corpus.is_active = is_active
        corpus.save(update_fields=["is_active"])
        log_audit_event("corpus_switched", "corpus", name, {"is_active": is_active, "reason": reason})
    return corpus
