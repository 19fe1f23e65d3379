"""Policies in the console: what they say, what trying them said, and the buttons from draft to active."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column, page_of
from base.links import row_link
from base.panels import BUSY, Facts, Panel, badge, code, when
from loans.models import PolicyTrial, PolicyVersion
from loans.policy import control, panels
from loans.policy.forms import DraftForm, TrialForm
from tasks.models import Task
from tasks.panels import work_panel

REFUSALS = (control.WrongState, control.NotYours, control.InvalidPolicy)
DRAFT, APPROVE = "loans.draft_policyversion", "loans.approve_policyversion"
Status = PolicyVersion.Status


def draft(row: PolicyVersion, data: dict[str, Any]) -> Done:
    made = control.draft_policy(
        version=data["version"],
        based_on=row.version,
        note=data["reason"],
        changes=data["changes"],
        rules=data["rules"],
    )
    return Done(f"{made.version} is a draft; try it next.", page_of(made))


def ask_trial(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.request_trial(policy_id=row.pk, **data)
    return Done("It is tried on past requests behind; the report will show here.")


def approve(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.approve_policy(policy_id=row.pk, reason=data["reason"])
    return Done("It may be activated now.")


def activate(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.activate_policy(policy_id=row.pk, reason=data["reason"])
    return Done("It decides from the next request on.")


def retire(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.retire_policy(policy_id=row.pk, reason=data["reason"])
    return Done("It was put away.")


def challenge(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.start_challenger(policy_id=row.pk, reason=data["reason"])
    return Done("It decides in shadow, within a minute of each request.")


def stop(row: PolicyVersion, data: dict[str, Any]) -> Done:
    control.stop_challenger(policy_id=row.pk, reason=data["reason"])
    return Done("It decides no further; what it decided stays.")


BUTTONS = [
    Button(
        name="draft",
        title="New version from this",
        icon="edit_note",
        permission=DRAFT,
        question="A draft decides nothing. It begins with what this version says.",
        press=draft,
        form=DraftForm,
        given=lambda row: {"base": row},
        template="loans/draft.html",
        refusals=REFUSALS,
    ),
    Button(
        name="try",
        title="Try on past requests",
        icon="science",
        permission=DRAFT,
        question="Every past request is decided by it, from what was known then. Nothing that was decided changes.",
        press=ask_trial,
        form=TrialForm,
        refusals=REFUSALS,
    ),
    Button(
        name="approve",
        title="Approve",
        icon="how_to_reg",
        permission=APPROVE,
        question="You say that it may decide. Nobody approves what they wrote.",
        press=approve,
        form=ReasonRequiredForm,
        refusals=REFUSALS,
        offered=lambda row: row.status == Status.TRIED,
    ),
    Button(
        name="activate",
        title="Activate",
        icon="bolt",
        permission=APPROVE,
        question="It decides from the next request on, and the active policy is retired.",
        press=activate,
        form=ReasonRequiredForm,
        refusals=REFUSALS,
        offered=lambda row: row.status == Status.APPROVED or (row.status == Status.RETIRED and row.activated_at),
        danger=True,
    ),
    Button(
        name="challenge",
        title="Let it challenge",
        icon="swords",
        permission=DRAFT,
        question="It decides in shadow what is asked from now on, instead of the challenger there is.",
        press=challenge,
        form=ReasonRequiredForm,
        refusals=REFUSALS,
        offered=lambda row: row.status in (Status.TRIED, Status.APPROVED) and not row.is_challenger,
    ),
    Button(
        name="stop",
        title="Stop the challenge",
        icon="stop_circle",
        permission=DRAFT,
        question="It decides no further; what it decided stays.",
        press=stop,
        form=ReasonRequiredForm,
        refusals=REFUSALS,
        offered=lambda row: row.is_challenger,
    ),
    Button(
        name="retire",
        title="Put away",
        icon="archive",
        permission=APPROVE,
        question="It will not be approved or activated.",
        press=retire,
        form=ReasonRequiredForm,
        refusals=REFUSALS,
        offered=lambda row: row.status in (Status.DRAFT, Status.TRIED, Status.APPROVED),
        danger=True,
    ),
]


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "rule", "lending_policy", BUTTONS
    list_display = ["version", "state", "rule_set", "author", "approved_by", moment_column("created_at", "Written"),
                    moment_column("activated_at", "Active since")]  # fmt: skip
    list_filter = ["status"]
    list_select_related = ["rule_set", "author", "approved_by"]
    search_fields = ["version"]
    search_help_text = "Exact version"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("rule_set", "author", "approved_by")

    @display(description="State")
    def state(self, row: PolicyVersion) -> str:
        shown = badge(row.status, panels.STATES[row.status])
        return shown + badge("challenger", BUSY) if row.is_challenger else shown

    def panels(self, request: HttpRequest, row: PolicyVersion) -> list[Panel]:
        user = request.user
        return [
            *panels.change_panel(row),
            panels.threshold_panel(row),
            panels.rules_panel(row),
            *panels.trial_panels(user, row),
            *panels.challenger_panels(user, row),
            *work_panel(user, Task.objects.filter(subject_type=self.entity_type, subject_id=str(row.pk))),
            *trail_panel(user, self.entity_type, row.pk),
            panels.life_panel(user, row),
        ]


@admin.register(PolicyTrial)
class PolicyTrialAdmin(ReadOnlyAdmin):
    icon, entity_type = "science", "policy_trial"
    list_display = ["policy", "asked_by", "loss_given_default", moment_column("created_at", "At")]
    list_select_related = ["policy", "asked_by"]
    search_fields = ["id"]
    search_help_text = "Exact id"

    def panels(self, request: HttpRequest, row: PolicyTrial) -> list[Panel]:
        user = request.user
        facts = [
            ("Policy", row_link(user, PolicyVersion, row.policy_id, row.policy)),
            ("Requests since", when(row.since) or "the first"),
            ("Asked by", row.asked_by or "a command"),
            ("Task", row.task_id and row_link(user, Task, row.task_id)),
            ("At", when(row.created_at)),
            ("Unreadable", row.report["unreadable"] or ""),
            ("Id", code(row.pk)),
        ]
        return [
            *panels.report_panels(row),
            panels.flips_panel(user, row),
            Facts(title=str(row).capitalize(), side=True, rows=facts),
        ]
