"""The quality of features in the console: a panel on the page of each set, and the alerts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from base.admin import Button, Done, ReadOnlyAdmin, ReasonForm, ReasonRequiredForm, moment_column
from base.links import row_link
from base.panels import BAD, GOOD, IDLE, WARN, Chart, Facts, Panel, Series, Table, badge, code, when
from features import services
from features.catalogue import WrongState
from features.definitions import find_feature_set
from features.models import FeatureSetVersion, QualityAlert, QualitySnapshot
from features.quality.alerts import AlreadyHandled
from features.quality.difference import NotComparable
from features.quality.references import NothingToTake
from features.quality.views import newest
from tasks.models import Task

LEVEL_TONES = {"steady": GOOD, "watch": WARN, "drifted": BAD}
SHOWN = 60  # snapshots in a chart


def task_page(task_id: str) -> str:
    return reverse("admin:tasks_task_change", args=[task_id])


class CompareForm(ReasonForm):
    field_order = ["other", "sample", "reason"]
    other = forms.CharField(max_length=121, widget=UnfoldAdminTextInputWidget(), help_text="name@version")
    sample = forms.IntegerField(min_value=1, max_value=10_000, initial=1_000, widget=UnfoldAdminIntegerFieldWidget(),
                                help_text="Entities, 1–10,000.")  # fmt: skip


class PeriodForm(ReasonRequiredForm):
    field_order = ["since", "until", "reason"]
    since = forms.DateTimeField(widget=UnfoldAdminTextInputWidget(), help_text="2026-06-01 00:00, UTC.")
    until = forms.DateTimeField(widget=UnfoldAdminTextInputWidget(), help_text="2026-06-08 00:00, UTC.")


def measure(row: FeatureSetVersion, data: dict[str, Any]) -> Done:
    task_id = services.request_snapshot(feature_set=str(row), **data)
    return Done("The set is measured by this task.", task_page(task_id))


def compare(row: FeatureSetVersion, data: dict[str, Any]) -> Done:
    task_id = services.request_comparison(
        old=data["other"], new=str(row), sample=data["sample"], reason=data["reason"]
    )  # fmt: skip
    return Done("The versions are compared by this task; its result says what changes.", task_page(task_id))


def take(row: FeatureSetVersion, data: dict[str, Any]) -> Done:
    return Done(f"{services.take_reference(row=row, **data)} features are held against this period from now on.")


def promote(row: FeatureSetVersion, data: dict[str, Any]) -> Done:
    services.promote_version(row=row, **data)
    return Done(f"{row} is served now to who names no version.")


def withdraw(row: FeatureSetVersion, data: dict[str, Any]) -> Done:
    services.withdraw_version(row=row, **data)
    return Done(f"{row} is served only to who names it.")


def waits(row: FeatureSetVersion) -> bool:
    declared = find_feature_set(row.name, row.version)
    return declared is not None and not declared.live and row.promoted_at is None


SET_BUTTONS = [
    Button(
        name="measure",
        title="Measure quality",
        icon="monitoring",
        permission="features.handle_qualityalert",
        question="Measures every feature of this set now, in the background.",
        press=measure,
    ),
    Button(
        name="compare",
        title="Compare versions",
        icon="difference",
        permission="features.handle_qualityalert",
        question="Computes another version and this one for a sample of entities, in the background, and says which "
        "values differ. Nothing is stored.",
        press=compare,
        refusals=(NotComparable,),
        form=CompareForm,
    ),
    Button(
        name="reference",
        title="Take as reference",
        icon="flag",
        permission="features.handle_qualityalert",
        question="Holds every feature of this set against the snapshots of a period from now on.",
        press=take,
        refusals=(NothingToTake,),
        form=PeriodForm,
    ),
    Button(
        name="promote",
        title="Promote",
        icon="publish",
        permission="features.promote_featureset",
        question="Serves this version to everybody who names none.",
        press=promote,
        refusals=(WrongState,),
        offered=waits,
        form=ReasonRequiredForm,
    ),
    Button(
        name="withdraw",
        title="Withdraw",
        icon="undo",
        permission="features.promote_featureset",
        question="Serves this version only to who names it, as before it was promoted.",
        press=withdraw,
        refusals=(WrongState,),
        offered=lambda row: row.promoted_at is not None,
        form=ReasonRequiredForm,
        danger=True,
    ),
]


def panels(row: FeatureSetVersion) -> list[Panel]:
    """Each feature of the set as it was measured last, and how the one that lies furthest off came there."""
    found = list(newest(FeatureSetVersion.objects.filter(pk=row.pk)))
    shown: list[Panel] = [quality_panel(found)]
    furthest = max((s for s in found if s.psi is not None), key=lambda s: s.psi or 0.0, default=None)
    if furthest:
        shown += [bins_panel(furthest), psi_panel(furthest)]
    return shown


def quality_panel(found: list[QualitySnapshot]) -> Table:
    rows = [
        (code(s.feature), badge(s.level.replace("_", " "), LEVEL_TONES.get(s.level, IDLE)), figure(s.psi),
         figure(s.ks), f"{s.n:,} / {s.reference_n:,}", f"{100 * s.null_share:.1f} %",
         badge(f"{s.range_violations:,}", WARN if s.range_violations else IDLE), figure(s.mean),
         " – ".join(figure(end) for end in (s.minimum, s.maximum)) if s.minimum is not None else "")
        for s in found
    ]  # fmt: skip
    headers = ["Feature", "Level", "PSI", "KS", "n / reference", "Nulls", "Out of range", "Mean", "Range"]
    at = f", measured {found[0].taken_at:%Y-%m-%d %H:%M}" if found else ""
    return Table(title=f"Quality{at}", headers=headers, rows=rows, empty="Not measured yet.")


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"


def bins_panel(snapshot: QualitySnapshot) -> Chart:
    begins = [figure(edge) for edge in snapshot.edges]
    labels = [f"< {begins[0]}", *(f"≥ {begin}" for begin in begins)] if begins else []
    total = sum(snapshot.counts) or 1
    shares = [round(100 * count / total, 2) for count in snapshot.counts] if begins else []
    series = [Series(label="% of values", values=shares, tone=LEVEL_TONES.get(snapshot.level, IDLE))]
    return Chart(title=f"{snapshot.feature}, by the reference's bins", labels=labels, series=series)


def psi_panel(snapshot: QualitySnapshot) -> Chart:
    past = QualitySnapshot.objects.filter(feature_set=snapshot.feature_set, feature=snapshot.feature, psi__isnull=False)
    rows = list(past[:SHOWN])[::-1]
    series = [Series(label="PSI", values=[round(row.psi or 0.0, 4) for row in rows])]
    labels = [f"{row.taken_at:%m-%d %H:%M}" for row in rows]
    return Chart(title=f"PSI of {snapshot.feature}", labels=labels, series=series, kind="line")


def acknowledge(row: QualityAlert, data: dict[str, Any]) -> Done:
    services.acknowledge_alert(alert_id=row.pk, **data)
    return Done("Acknowledged; it closes by itself when it is over.")


class OpenFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("open", "Open"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        states = {"open": Q(closed_at=None), "closed": Q(closed_at__isnull=False)}
        return queryset.filter(states.get(self.value() or "", Q()))


@admin.register(QualityAlert)
class QualityAlertAdmin(ReadOnlyAdmin):
    icon, entity_type = "notifications", "quality_alert"
    list_display = ["kind", "feature_set", "feature", "state", "figure", "n", moment_column("opened_at", "Opened"),
                    moment_column("closed_at", "Closed")]  # fmt: skip
    list_filter = [OpenFilter, "kind"]
    list_select_related = ["feature_set"]
    ordering = ["-id"]
    search_fields = ["feature"]
    search_help_text = "Exact name of a feature"
    buttons = [
        Button(
            name="acknowledge",
            title="Acknowledge",
            icon="done",
            permission="features.handle_qualityalert",
            question="Says that you have seen it and why it may stay. It closes by itself when it is over.",
            press=acknowledge,
            refusals=(AlreadyHandled,),
            offered=lambda row: row.closed_at is None and row.acknowledged_at is None,
            form=ReasonRequiredForm,
            many=True,
        )
    ]

    @display(description="State")
    def state(self, row: QualityAlert) -> str:
        if row.closed_at:
            return badge("closed", IDLE)
        return badge("acknowledged", WARN) if row.acknowledged_at else badge("open", BAD)

    @display(description="Value")
    def figure(self, row: QualityAlert) -> str:
        return f"{row.value:.4g} (from {row.threshold:g})"

    def panels(self, request: HttpRequest, row: QualityAlert) -> list[Panel]:
        return [
            Facts(
                title=str(row),
                rows=[
                    ("Set", row_link(request.user, FeatureSetVersion, row.feature_set_id, row.feature_set)),
                    ("Feature", row.feature or "the whole set"),
                    ("Value", self.figure(row)),
                    ("n", f"{row.n:,}"),
                    ("Opened", when(row.opened_at)),
                    ("Last found", when(row.seen_at)),
                    ("Closed", when(row.closed_at)),
                    ("Acknowledged", when(row.acknowledged_at)),
                    ("By", row.acknowledged_by),
                    ("Why", row.reason),
                    ("Told by", row.task_id and row_link(request.user, Task, row.task_id)),
                ],
            )
        ]
