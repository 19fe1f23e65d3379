"""The catalogue of feature sets with its coverage, and extraction by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db import OperationalError
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from base.admin import Button, Done, ReadOnlyAdmin, ReasonForm, page_of
from base.panels import (
    BAD,
    GOOD,
    IDLE,
    WARN,
    Chart,
    Facts,
    Panel,
    Table,
    Tracker,
    ago,
    badge,
    code,
    lasting,
    meter,
    some,
    when,
)
from features import services
from features.admin import quality
from features.backfill.control import OtherBackfill
from features.catalogue import serving_set
from features.dashboard import coverage_chart
from features.definitions import feature_sets, find_feature_set, used_by
from features.lineage.overview import freshness_of
from features.models import FeatureSetVersion
from features.values import coverage, coverage_days, extraction
from tasks.models import Task
from tasks.panels import work_panel

BATCH_TASKS = ["features.batch_feature_extraction", "features.work_on_backfill", "features.refresh_stale"]
COUNT_TO = 50_000  # what one backfill can do at most with its default batches


class ExtractForm(ReasonForm):
    field_order = ["batch_size", "max_batches", "reason"]
    batch_size = forms.IntegerField(
        min_value=1, max_value=1_000, initial=50, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Entities in one transaction, 1–1,000.",
    )  # fmt: skip
    max_batches = forms.IntegerField(
        min_value=1, max_value=1_000, initial=5, widget=UnfoldAdminIntegerFieldWidget(), help_text="1–1,000."
    )


class BackfillForm(ExtractForm):
    max_batches = forms.IntegerField(
        min_value=1, max_value=1_000, initial=1_000, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="The safety limit of one run, 1–1,000.",
    )  # fmt: skip


def extract(row: None, data: dict[str, Any]) -> Done:
    task_id = services.request_batch_extraction(**data)
    return Done("The extraction was started; this is its task.", task_page(task_id))


def backfill(row: None, data: dict[str, Any]) -> Done:
    started, _ = services.request_backfill(**data)
    return Done("This is the backfill; a second press joins it while it lives.", page_of(started))


def task_page(task_id: str) -> str:
    return reverse("admin:tasks_task_change", args=[task_id])


def dry_run(form: forms.Form) -> list[Panel]:
    """How many entities a backfill would work on now; nothing is started."""
    rows = []
    for entity_type in extraction.entity_types():
        try:
            waiting = some(len(coverage.waiting_entities(entity_type, limit=COUNT_TO + 1)), COUNT_TO)
        except OperationalError:
            waiting = "more than can be counted in time"
        sets = ", ".join(feature_set.label() for feature_set in feature_sets(entity=entity_type))
        rows.append((entity_type, sets, waiting))
    headers = ["Entity", "Feature sets", "Entities that wait"]
    return [Table(title="Dry run: what a backfill would do now", headers=headers, rows=rows)]


BUTTONS = [
    Button(
        name="extract",
        title="Extract now",
        icon="play_arrow",
        permission="features.backfill_featureset",
        question="Computes features for entities that have raw data but no values, or values that miss events: "
        "at most batch size × batches of them, in the background.",
        press=extract,
        preview=dry_run,
        form=ExtractForm,
        on_row=False,
    ),
    Button(
        name="backfill",
        title="Backfill all",
        icon="layers",
        permission="features.backfill_featureset",
        question="Computes everything that waits, in the background and beside live traffic. It can be paused "
        "and cancelled on its page. For other scopes, sets or a rate, start it from the page of backfills.",
        press=backfill,
        refusals=(OtherBackfill,),
        preview=dry_run,
        form=BackfillForm,
        on_row=False,
    ),
]


@admin.register(FeatureSetVersion)
class FeatureSetAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "dataset", "feature_set", [*BUTTONS, *quality.SET_BUTTONS]
    list_display = ["name", "version", "entity_type", "features", "covered", "stale", "failed", "freshness", "owner"]

    @display(description="Features")
    def features(self, row: FeatureSetVersion) -> int:
        return len(row.definition["features"])

    @display(description="Coverage")
    def covered(self, row: FeatureSetVersion) -> str:
        found = coverage_row(row)
        return meter(found.percent, tone=GOOD if found.percent >= 99 else WARN) if found else badge("not in code", IDLE)

    @display(description="Stale")
    def stale(self, row: FeatureSetVersion) -> str:
        found = coverage_row(row)
        return badge(f"{found.stale:,}", WARN if found.stale else IDLE) if found else ""

    @display(description="Failed")
    def failed(self, row: FeatureSetVersion) -> str:
        found = coverage_row(row)
        return badge(f"{found.failed:,}", BAD if found.failed else IDLE) if found else ""

    @display(description="Fresh for")
    def freshness(self, row: FeatureSetVersion) -> str:
        return lasting(timedelta(seconds=row.freshness_s))

    def panels(self, request: HttpRequest, row: FeatureSetVersion) -> list[Panel]:
        panels: list[Panel] = []
        if found := coverage_row(row):
            panels += [coverage_panel(found), days_panel(row)]
        panels += [
            *quality.panels(row),
            definition_panel(row),
            users_panel(row),
            *work_panel(request.user, Task.objects.filter(name__in=BATCH_TASKS), title="Recent extractions"),
            set_facts(row),
        ]
        return panels


def coverage_row(row: FeatureSetVersion) -> coverage.Coverage | None:
    """None for a version that the code does not declare any more. Computed once for a row."""
    if not hasattr(row, "_coverage"):
        declared = find_feature_set(row.name, row.version)
        row._coverage = coverage.coverage_of(declared)[0] if declared else None  # type: ignore[attr-defined]
    return row._coverage  # type: ignore[attr-defined]


def coverage_panel(found: coverage.Coverage) -> Tracker:
    fresh = max(found.with_features - found.stale, 0)
    return Tracker(
        title=f"Coverage: {found.percent:g} % of {found.total:,} entities",
        parts=[
            ("up to date", fresh, GOOD),
            ("stale", found.stale, WARN),
            ("without features", max(found.without_features, 0), IDLE),
        ],
        note=f"{found.failed:,} entities could not be computed.",
    )


def days_panel(row: FeatureSetVersion) -> Chart:
    mine = [day for day in coverage_days.days(30) if (day["feature_set"], day["version"]) == (row.name, row.version)]
    return coverage_chart("Coverage, last 30 days", mine, width=12)


def definition_panel(row: FeatureSetVersion) -> Table:
    """In the order of the code, where the code still has it."""
    declared = find_feature_set(row.name, row.version)
    stored = row.definition["features"]
    names = declared.features if declared else sorted(stored)
    rows = [
        (code(name), meaning(stored[name]), stored[name]["unit"], stored[name]["data_type"],
         declared.features[name].description if declared else "")
        for name in names
        if name in stored
    ]  # fmt: skip
    headers = ["Feature", "Kind and window", "Unit", "Type", "Description"]
    return Table(title=f"{len(rows)} features", headers=headers, rows=rows)


def meaning(feature: dict[str, Any]) -> str:
    """`sum of value, 30 days, above 0`; `derived: a / b`; `function, 30 days`."""
    if "expression" in feature:
        return f"derived: {infix(feature['expression'])}"
    bare = feature["kind"] == "count" or "field" not in feature
    parts = [feature["kind"] if bare else f"{feature['kind']} of {feature['field']}"]
    parts.append("all time" if feature["over_s"] is None else lasting(timedelta(seconds=feature["over_s"])))
    parts += feature["types"]
    parts += [f"{bound} {feature[bound]}" for bound in ("above", "below") if feature.get(bound) is not None]
    return ", ".join(parts)


def infix(expression: Any) -> str:
    """`["/", "a", ["+", "b", {"number": "2"}]]` as `a / (b + 2)`."""
    if isinstance(expression, dict):
        return str(expression["number"])
    if not isinstance(expression, list):
        return str(expression)
    sign, *sides = expression
    left, right = (f"({infix(side)})" if isinstance(side, list) else infix(side) for side in sides)
    return f"{left} {sign} {right}"


def users_panel(row: FeatureSetVersion) -> Table:
    declared = find_feature_set(row.name, row.version)
    rows = [(code(use.name), use.kind, use.description) for use in used_by(declared)] if declared else []
    empty = "Nobody has said so."
    return Table(title="Used by", headers=["User", "Kind", "What for"], rows=rows, empty=empty)


def set_facts(row: FeatureSetVersion) -> Facts:
    source = row.definition["source"]
    models = source["model"] if isinstance(source, dict) else ", ".join(source)
    versions = FeatureSetVersion.objects.filter(name=row.name).values_list("version", flat=True)
    served = serving_set(row.name) is find_feature_set(row.name, row.version)
    return Facts(
        title=str(row),
        side=True,
        rows=[
            ("What it says", row.description),
            ("Entity", row.entity_type),
            ("Source", models or "all events of the entity"),
            ("Owner", row.owner),
            ("Tags", ", ".join(row.tags)),
            ("Versions", ", ".join(versions)),
            ("Served", "when no version is named" if served else "only when it is named"),
            ("Fresh for", lasting(timedelta(seconds=row.freshness_s))),
            *freshness_facts(row),
            ("In use since", when(row.created_at)),
            ("Checksum", code(row.checksum)),
        ],
    )


def freshness_facts(row: FeatureSetVersion) -> list[tuple[str, Any]]:
    declared = find_feature_set(row.name, row.version)
    if declared is None:
        return []
    [found] = freshness_of(declared)
    share = "" if found.old is None else f"{'' if found.exact else 'about '}{found.old:.1%} of the values"
    return [
        ("Older than that", share),
        ("Oldest", ago(found.oldest_as_of)),
        ("Last computed", ago(found.last_computed_at)),
    ]
