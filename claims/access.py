"""Whose claims somebody sees: their own, or all; another's look the same as none."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from base.roles import EVERYONE, STAFF, Role
from claims.models import Claim

READERS = EVERYONE
SUBMITTERS = EVERYONE - {Role.AUDITOR}  # who may say a claim may have it verified
OPERATORS = {Role.OPERATOR}


def sees_all(user: Any) -> bool:
    return user.is_superuser or user.role in STAFF


def visible_claims(user: Any) -> QuerySet[Claim]:
    return Claim.objects.all() if sees_all(user) else Claim.objects.filter(submitted_by_id=user.pk)


def find_claim(user: Any, claim_id: Any) -> Claim:
    """Raises Http404."""
    claim = visible_claims(user).select_related("verdict__run", "verdict__previous").filter(pk=claim_id).first()
    if claim is None:
        raise Http404
    return claim
