"""Sessions and measurements in the console: what was received, what it looks like, and what was measured on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import ReadOnlyAdmin, moment_column, page_of
from base.links import may_view, row_link
from base.panels import (
    BAD,
    BUSY,
    GOOD,
    IDLE,
    WARN,
    Drawing,
    Facts,
    Panel,
    Table,
    Text,
    anchor,
    badge,
    code,
    lasting,
    pretty,
    when,
)
from features.definitions import feature_sets
from features.models import FeatureValue
from recordings.extraction.admin import BATCHES, OF_SESSION, coverage_panels
from recordings.extraction.coverage import SUBJECT
from recordings.extraction.scales import frequency
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from tasks.models import Task
from tasks.panels import work_panel

STATES = {
    RecordingSession.Status.RECORDING: BUSY,
    RecordingSession.Status.COMPLETED: GOOD,
    RecordingSession.Status.FAILED: BAD,
}
SHOWN = 100
UNITS = {"dbfs": "dBFS", "db": "dB", "hz": "Hz", "s": "s", "share": "share", "count": ""}


def features_of(row: Measurement) -> MeasurementFeatures | None:
    return getattr(row, "features", None)


def extraction_badge(row: Measurement) -> str:
    found = features_of(row)
    if found is None:
        return badge("waits", WARN) if row.iq_data_location else badge("no samples", IDLE)
    return badge("cannot be read", BAD) if found.error else badge("measured", GOOD)


def number_of(row: Measurement, name: str) -> float | None:
    found = features_of(row)
    return found.numbers.get(name) if found and found.numbers else None


def decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} dB"


def duration(row: Measurement) -> str:
    return lasting(timedelta(seconds=row.sample_count / row.sample_rate)) if row.sample_rate else ""


def bandwidth(row: Measurement) -> str:
    hertz = number_of(row, "occupied_bandwidth_hz")
    share = number_of(row, "occupied_bandwidth")
    return f"{frequency(float(f'{hertz:.3g}'))}" if hertz else "" if share is None else f"{share:.3g} c/sample"


@admin.register(RecordingSession)
class RecordingSessionAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "radar", SUBJECT, [*OF_SESSION, *BATCHES]
    more = [("Coverage of recordings", "donut_large", "recordings_coverage")]
    list_display = ["called", "state", "source", "number", "measured", moment_column("created_at", "Created")]
    list_filter = ["status", "source"]
    list_select_related = ["created_by"]
    search_fields = ["id", "name"]
    search_help_text = "Exact id or name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecordingSession]:
        rows = Measurement.objects.filter(session=OuterRef("pk"))
        counts = {"all_measurements": _count(rows), "with_features": _count(rows.filter(features__isnull=False))}
        return super().get_queryset(request).annotate(**counts)

    @display(description="Session", header=True)
    def called(self, row: RecordingSession) -> list[str]:
        return [row.name, str(row.pk)]

    @display(description="State")
    def state(self, row: RecordingSession) -> str:
        return badge(row.get_status_display(), STATES[RecordingSession.Status(row.status)])

    @display(description="Measurements")
    def number(self, row: Any) -> str:
        return f"{row.all_measurements:,}"

    @display(description="Measured")
    def measured(self, row: Any) -> str:
        return badge(f"{row.with_features:,}", GOOD if row.with_features == row.all_measurements else WARN)

    def panels(self, request: HttpRequest, row: RecordingSession) -> list[Panel]:
        user, rows = request.user, list(row.measurements.select_related("features")[:SHOWN])
        about = Task.objects.filter(subject_type=SUBJECT, subject_id=str(row.pk))
        return [
            measurements_panel(user, rows),
            *work_panel(user, about, title="Extractions"),
            *trail_panel(user, SUBJECT, row.pk),
            Facts(
                title=row.name,
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("Source", row.get_source_display()),
                    ("By", row.created_by and row_link(user, type(row.created_by), row.created_by_id, row.created_by)),
                    ("Description", row.description),
                    ("Started", when(row.session_start)),
                    ("Ended", when(row.session_end)),
                    ("Created", when(row.created_at)),
                    ("Stored features", stored_links(user, "recording", row.pk)),
                    ("Id", code(row.pk)),
                ],
            ),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.coverage_view)
        return [path("coverage/", view, name="recordings_coverage"), *super().get_urls()]

    def coverage_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        panels, buttons = coverage_panels(request.user), self.list_buttons(request)
        context = self._context(request, None) | {
            "title": "Coverage of recordings",
            "panels": panels,
            "buttons": buttons,
        }
        return TemplateResponse(request, "console/row.html", context)


def _count(rows: QuerySet) -> Coalesce:
    """How many, counted for the rows of one page alone."""
    counted = rows.order_by().values("session").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def measurements_panel(user: Any, rows: list[Measurement]) -> Table:
    return Table(
        title=f"Measurements, the last {SHOWN} at most",
        headers=["Measurement", "Features", "Datatype", "Rate", "Duration", "SNR", "Bandwidth (99 %)"],
        rows=[
            (row_link(user, Measurement, row.pk, row.name), extraction_badge(row), row.datatype,
             frequency(row.sample_rate) if row.sample_rate else "", duration(row),
             decibels(number_of(row, "snr_db")), bandwidth(row))
            for row in rows
        ],
    )  # fmt: skip


class ExtractionFilter(admin.SimpleListFilter):
    title, parameter_name = "features", "features"
    meanings = {
        "measured": Q(features__error=""),
        "unreadable": Q(features__isnull=False) & ~Q(features__error=""),
        "wait": Q(features=None) & ~Q(iq_data_location=""),
        "none": Q(features=None, iq_data_location=""),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("measured", "measured"), ("unreadable", "cannot be read"), ("wait", "wait"), ("none", "no samples")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(self.meanings[value]) if (value := self.value()) in self.meanings else queryset


@admin.register(Measurement)
class MeasurementAdmin(ReadOnlyAdmin):
    icon, entity_type = "graphic_eq", "measurement"
    list_display = [
        "called", "extraction", "datatype", "rate", "lasts", "snr", "occupied",
        moment_column("captured_at", "Captured"),
    ]  # fmt: skip
    list_filter = [ExtractionFilter, "datatype", "session__source"]
    list_select_related = ["features", "session"]
    search_fields = ["id", "name", "sha512"]
    search_help_text = "Exact id, name or SHA-512 of the samples"

    @display(description="Measurement", header=True)
    def called(self, row: Measurement) -> list[str]:
        return [row.name, f"{row.session.name} · {frequency(row.frequency)}" if row.frequency else row.session.name]

    @display(description="Features")
    def extraction(self, row: Measurement) -> str:
        return extraction_badge(row)

    @display(description="Rate")
    def rate(self, row: Measurement) -> str:
        return frequency(row.sample_rate) if row.sample_rate else ""

    @display(description="Duration")
    def lasts(self, row: Measurement) -> str:
        return duration(row)

    @display(description="SNR")
    def snr(self, row: Measurement) -> str:
        return decibels(number_of(row, "snr_db"))

    @display(description="Bandwidth (99 %)")
    def occupied(self, row: Measurement) -> str:
        return bandwidth(row)

    def panels(self, request: HttpRequest, row: Measurement) -> list[Panel]:
        user, found = request.user, features_of(row)
        return [
            *([Text(title="The samples cannot be read", text=found.error, code=False, tone=BAD)]
              if found and found.error else []),
            *pictures_panels(row, found),
            *([numbers_panel(found)] if found and found.numbers else []),
            Text(title="Metadata as it came", text=pretty(row.metadata)),
            *trail_panel(user, "measurement", row.pk),
            facts(user, row),
            *([made_panel(user, found)] if found else []),
        ]  # fmt: skip


def pictures_panels(row: Measurement, found: MeasurementFeatures | None) -> list[Panel]:
    drawn = [("Spectrogram", found.spectrogram), ("Spectrum", found.spectrum)] if found else []
    return [
        Drawing(
            title=title,
            svg=format_html(
                '<a href="{0}"><img class="mr-picture" src="{0}" width="960" height="540" alt="{1} of {2}"></a>',
                reverse(f"measurement-{title.lower()}", args=[row.pk]), title, row.name,
            ),
        )
        for title, name in drawn if name
    ]  # fmt: skip


def numbers_panel(found: MeasurementFeatures) -> Table:
    """Each number with its unit and what the definition says of it, in the order of the definition."""
    declared = {name: each for one in feature_sets(entity="measurement") for name, each in one.features.items()}
    numbers = found.numbers or {}
    names = [name for name in declared if name in numbers] + sorted(numbers.keys() - declared.keys())
    rows = [
        (code(name), "none" if (value := numbers[name]) is None else f"{value:,.6g}",
         unit_of(name, declared.get(name)), getattr(declared.get(name), "description", ""))
        for name in names
    ]  # fmt: skip
    return Table(title="Measured", headers=["Number", "Value", "Unit", "Meaning"], rows=rows)


def unit_of(name: str, declared: Any) -> str:
    return declared.unit if declared is not None else UNITS.get(name.rpartition("_")[2], "")


def facts(user: Any, row: Measurement) -> Facts:
    return Facts(
        title=row.name,
        side=True,
        rows=[
            ("Features", extraction_badge(row)),
            ("Session", row_link(user, RecordingSession, row.session_id, row.session)),
            ("Captured", when(row.captured_at)),
            ("Datatype", code(row.datatype)),
            ("Rate", frequency(row.sample_rate) if row.sample_rate else "unknown"),
            ("Frequency", frequency(row.frequency) if row.frequency is not None else "unknown"),
            ("Channels", row.num_channels),
            ("Samples", f"{row.sample_count:,}"),
            ("Duration", duration(row) or "unknown"),
            ("Size", f"{row.size_bytes:,} bytes"),
            ("Notes", " ".join(row.notes)),
            ("SHA-512", row.sha512 and code(f"{row.sha512[:16]}…")),
            ("Stored features", stored_links(user, "measurement", row.pk)),
            ("Id", code(row.pk)),
        ],
    )


def made_panel(user: Any, found: MeasurementFeatures) -> Facts:
    return Facts(
        title="How it was measured",
        side=True,
        rows=[
            ("At", when(found.computed_at)),
            ("By", row_link(user, Task, found.task_id, "task")),
            ("Extractor", f"version {found.extractor_version}"),
            ("Samples read", f"{found.samples:,}"),
            ("Processor time", f"{found.seconds:,.2f} s"),
        ],
    )


def stored_links(user: Any, entity_type: str, entity_id: Any) -> str:
    """Links to what the feature store keeps of it, where it comes from among it."""
    if not may_view(user, FeatureValue):
        return ""
    values = FeatureValue.objects.filter(feature_set__entity_type=entity_type, entity_id=str(entity_id))
    links = [anchor(page_of(value), value.feature_set) for value in values.select_related("feature_set")]
    return format_html("{}" + " · {}" * (len(links) - 1), *links) if links else ""
