"""What people do with claims: say one. What becomes of it is in claims.verification."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from audit.services import log_audit_event
from claims.models import Claim


@transaction.atomic
def submit_claim(
    *, text: str, by: Any = None, source_url: str = "", made_by: str = "", made_at: datetime | None = None
) -> Claim:
    """Store a claim; nothing is verified until somebody asks for it. by: nobody's if not given."""
    claim = Claim.objects.create(
        text=text, source_url=source_url, made_by=made_by, made_at=made_at, submitted_by_id=by and by.pk
    )
    log_audit_event("claim_submitted", "claim", claim.pk, {"characters": len(text), "source_url": source_url})
    return Claim.objects.get(pk=claim.pk)
