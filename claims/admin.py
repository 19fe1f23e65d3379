"""Claims in the console: what was said, what the evidence says, and buttons to hold one against the other."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import ReadOnlyAdmin, exactly, moment_column
from base.links import row_link
from base.panels import GOOD, IDLE, WARN, Facts, Panel, Text, anchor, badge, code, meter, when
from claims import panels
from claims.evidence.admin import CorpusAdmin, DocumentAdmin
from claims.judging.panels import version_panels
from claims.models import Claim, Verdict, VerificationRun
from claims.verification.buttons import reverify_button, verify_button
from claims.verification.following import is_over, states_of
from claims.verification.stages import versions_of
from tasks.models import Task
from tasks.panels import live_panel, work_panel

__all__ = ["ClaimAdmin", "CorpusAdmin", "DocumentAdmin", "VerdictAdmin", "VerificationRunAdmin"]


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin):
    icon, entity_type = "campaign", "claim"
    list_display = ["said", "found", "sure", "state", "submitted_by", moment_column("created_at", "Submitted")]
    list_filter = ["verdict__label", "verdict__flipped", "created_at"]
    list_select_related = ["verdict", "submitted_by"]
    search_fields = ["id", "submitted_by"]
    search_help_text = "Exact id, number of who submitted it, or its exact text"
    buttons = [
        verify_button("verify", "Verify", offered=lambda row: row.verdict_id is None, many=True),
        verify_button("again", "Verify again", offered=lambda row: row.verdict_id is not None),
        reverify_button(on_row=False),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        return super().get_queryset(request).select_related("verdict__run", "verdict__previous__run", "submitted_by")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the state of each claim's newest run, in two statements for the page."""
        page = super().get_changelist_instance(request)
        newest = VerificationRun.objects.filter(claim__in=[row.pk for row in page.result_list])
        runs = list(newest.order_by("claim_id", "-id").distinct("claim_id"))
        states = states_of(runs)
        page.states = {run.claim_id: states[run.pk] for run in runs}
        for row in page.result_list:
            row.state_now = page.states.get(row.pk, "")
        return page

    def find(self, term: str) -> Q:
        return self.first_of(*(exactly(Claim, term, field) for field in self.search_fields), Q(text=term))

    @display(description="Claim", header=True)
    def said(self, row: Claim) -> list[str]:
        return [panels.shortened(row.text), row.made_by or str(row.pk)]

    @display(description="Verdict")
    def found(self, row: Claim) -> str:
        if row.verdict is None:
            return ""
        shown = panels.label_badge(row.verdict.label)
        return shown + badge("flipped", WARN) if row.verdict.flipped else shown

    @display(description="Confidence")
    def sure(self, row: Claim) -> str:
        return meter(100 * row.verdict.confidence, f"{row.verdict.confidence:.0%}") if row.verdict else ""

    @display(description="Verification")
    def state(self, row: Any) -> str:
        return panels.state_badge(row.state_now) if row.state_now else ""

    def panels(self, request: HttpRequest, row: Claim) -> list[Panel]:
        user, verdict = request.user, row.verdict
        runs = list(row.runs.select_related("requested_by").order_by("-id")[:10])
        states = states_of(runs)
        found = []
        if verdict is not None:
            stale = verdict.run.corpora != versions_of(verdict.run.only)
            found = [*panels.flip_panel(user, verdict), *panels.verdict_panels(user, verdict, outdated=stale)]
        return [
            Text(title="Claim", text=row.text, code=False),
            *self._progress(request, runs, states),
            *found,
            *panels.history_panel(row),
            panels.runs_panel(user, runs, states),
            *work_panel(user, Task.objects.filter(subject_type="claim", subject_id=str(row.pk))),
            *trail_panel(user, "claim", row.pk),
            Facts(
                title="Where it comes from",
                side=True,
                rows=[
                    ("Made by", row.made_by),
                    ("Made at", when(row.made_at)),
                    ("Source", anchor(row.source_url, row.source_url) if row.source_url else ""),
                    ("Submitted by", row.submitted_by
                     and row_link(user, type(row.submitted_by), row.submitted_by_id, row.submitted_by)),
                    ("Submitted at", when(row.created_at)),
                    ("ClaimReview", anchor(f"/api/v1/verdicts/{row.pk}/claimreview", "JSON-LD") if verdict else ""),
                    ("Id", code(row.pk)),
                ],
            ),
        ]  # fmt: skip

    def _progress(self, request: HttpRequest, runs: list[VerificationRun], states: dict[Any, str]) -> list[Panel]:
        """How far the run under way is; the page fetches it again and again."""
        if not runs or is_over(states[runs[0].pk]) or not request.user.has_perm("tasks.view_task"):
            return []
        task = Task.objects.filter(pk__in=[runs[0].task_id]).first()
        return [live_panel(task)] if task else []


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    icon, entity_type = "gavel", "verdict"
    list_display = ["about", "found", "before", "sure", "cause", moment_column("decided_at", "Decided")]
    list_filter = ["flipped", "label", "run__cause"]
    list_select_related = ["claim", "previous", "run"]
    search_fields = ["claim", "run"]
    search_help_text = "Exact id of the claim or of the run"
    more = [("Judges", "model_training", "claims_judging_versions")]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.versions_view)
        return [path("versions/", view, name="claims_judging_versions"), *super().get_urls()]

    def versions_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self._context(request, None) | {"title": "Judges", "panels": version_panels()}
        return TemplateResponse(request, "console/row.html", context)

    @display(description="Claim")
    def about(self, row: Verdict) -> str:
        return panels.shortened(row.claim.text)

    @display(description="Verdict")
    def found(self, row: Verdict) -> str:
        return panels.label_badge(row.label)

    @display(description="Before")
    def before(self, row: Verdict) -> str:
        return panels.label_badge(row.previous.label) if row.previous and row.flipped else ""

    @display(description="Confidence")
    def sure(self, row: Verdict) -> str:
        return meter(100 * row.confidence, f"{row.confidence:.0%}")

    @display(description="Cause")
    def cause(self, row: Verdict) -> str:
        return panels.cause_name(row.run)

    def panels(self, request: HttpRequest, row: Verdict) -> list[Panel]:
        user = request.user
        claim = row_link(user, Claim, row.claim_id, str(row.claim))
        newest = row.claim.verdict_id == row.pk
        return [
            *panels.flip_panel(user, row),
            *panels.verdict_panels(user, row, outdated=newest and row.run.corpora != versions_of(row.run.only)),
            Facts(
                title=str(row),
                side=True,
                rows=[
                    ("Claim", claim),
                    ("State", badge("the newest", GOOD) if newest else badge("superseded", IDLE)),
                    ("Run", row_link(user, VerificationRun, row.pk)),
                    ("Before it", row.previous_id and row_link(user, Verdict, row.previous_id, row.previous)),
                ],
            ),
        ]


@admin.register(VerificationRun)
class VerificationRunAdmin(ReadOnlyAdmin):
    icon, entity_type = "fact_check", "verification_run"
    list_display = ["about", "state", "cause", "looked_into", "lasted", "requested_by",
                    moment_column("created_at", "Asked")]  # fmt: skip
    list_filter = ["status", "cause"]
    list_select_related = ["claim", "requested_by"]
    search_fields = ["id", "claim"]
    search_help_text = "Exact id of the run or of the claim"

    @display(description="Claim")
    def about(self, row: VerificationRun) -> str:
        return panels.shortened(row.claim.text)

    @display(description="State")
    def state(self, row: VerificationRun) -> str:
        return panels.state_badge(row.status)

    @display(description="Looked into")
    def looked_into(self, row: VerificationRun) -> str:
        return panels.corpora_text(row.corpora)

    @display(description="Took")
    def lasted(self, row: VerificationRun) -> str:
        return panels.took(row)

    def panels(self, request: HttpRequest, row: VerificationRun) -> list[Panel]:
        user = request.user
        verdict = Verdict.objects.filter(pk=row.pk).select_related("run", "claim", "previous__run").first()
        return [
            *(panels.verdict_panels(user, verdict, outdated=False) if verdict else []),
            *panels.run_panels(user, row, states_of([row])[row.pk]),
            *work_panel(user, Task.objects.filter(pk__in=[row.task_id])),
        ]
