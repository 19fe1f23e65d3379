"""Buttons of console pages that start verifications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import OperationalError
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from base.admin import Button, Done
from base.links import list_url
from base.panels import Number, Panel, some
from claims.models import Claim, Corpus, Verdict
from claims.verification import asking, outdated

REFUSALS = (asking.NoEvidence, asking.UnknownCorpus, Claim.DoesNotExist)
COUNTED = 10_000


class VerifyForm(forms.Form):
    corpora = forms.ModelMultipleChoiceField(
        Corpus.objects.filter(is_active=True),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Look into these alone; into all if none is ticked.",
    )


def verify(row: Claim, data: dict[str, Any]) -> Done:
    names = [corpus.name for corpus in data.get("corpora", ())]
    _, is_new = asking.request_verification(claim_id=row.pk, corpora=names)
    return Done("It is being verified." if is_new else "A verification of it was under way already.")


def reverify(row: Corpus | None, data: dict[str, Any]) -> Done:
    asking.request_reverification(corpus=row.name if row else None, reason=data["reason"])
    return Done("The claims are being queued; what flips will be marked.", list_url(Verdict, "?flipped__exact=1"))


def preview(form: forms.Form) -> list[Panel]:
    try:
        value = some(outdated.count_outdated(limit=COUNTED + 1), COUNTED)
    except OperationalError:
        value = "many"
    return [Number(title="Claims whose evidence has changed", value=value, width=12, note="of any corpus")]


def verify_button(name: str, title: str, **more: Any) -> Button:
    return Button(
        name=name, title=title, icon="fact_check", permission="claims.verify_claim", press=verify, form=VerifyForm,
        question="It is held against the evidence behind; the page follows it.", refusals=REFUSALS, **more,
    )  # fmt: skip


def reverify_button(**more: Any) -> Button:
    return Button(
        name="reverify", title="Verify again what has changed", icon="update", permission="claims.verify_claim",
        question="Claims whose verdict looked into an older version of the evidence are verified again, behind.",
        press=reverify, refusals=REFUSALS, preview=preview, **more,
    )  # fmt: skip
