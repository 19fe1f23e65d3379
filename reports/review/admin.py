"""The review queue in the console: the list, and a page on which one report after the other is decided."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import ReadOnlyAdmin, moment_column, page_of
from base.panels import Panel, badge, some
from base.worklist import Status
from reports.filing.admin import history_panel, photos_panel
from reports.models import ReviewItem
from reports.review import panels as p
from reports.review import work
from reports.review.buttons import BUTTONS, mine
from reports.review.case import KEYS, Case
from reports.review.clock import left, resolve_by
from reports.review.highlight import pieces
from reports.review.models import Why
from reports.review.reasons import REASONS

COUNT_TO = 1_000  # tabs need an idea, not a count of everything
TABS = [("", "Waiting"), ("mine", "Mine"), ("overdue", "Overdue"), ("done", "Decided")]


class TabFilter(admin.SimpleListFilter):
    """Which part of the queue; the tabs above the list set it."""

    title, parameter_name = "part", "part"
    template = "reports/no_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return TABS[1:]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return part_of(queryset, self.value() or "", request.user)


class WhyFilter(admin.SimpleListFilter):
    title, parameter_name = "why", "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Why.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(why__contains=[self.value()]) if self.value() in Why.values else queryset


def part_of(items: QuerySet[ReviewItem], part: str, user: Any) -> QuerySet[ReviewItem]:
    if part == "done":
        return items.filter(status=Status.DONE)
    items = items.exclude(status=Status.DONE)
    if part == "mine":
        return items.filter(status=Status.CLAIMED, claimed_by=user)
    return items.filter(due_at__lt=timezone.now()) if part == "overdue" else items


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    icon, entity_type = "rule", "report_review"
    list_display = ["asked", "reasons", "shown_risk", "due", "solve", "department", "holder",
                    moment_column("opened_at", "In the queue")]  # fmt: skip
    list_filter = [TabFilter, WhyFilter, "department"]
    list_per_page = 25
    search_fields = ["report"]
    search_help_text = "Exact report number"
    change_list_template = "reports/review_list.html"
    row_template = "reports/review.html"
    buttons = BUTTONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewItem]:
        rows = work.visible_items(request.user)
        return rows.select_related("report__category", "report__reporter", "department", "claimed_by")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["-id"] if request.GET.get("part") == "done" else list(work.ORDER.fields)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        tabs = self.tabs(request) if self.has_view_permission(request) else []
        return super().changelist_view(request, {"tabs": tabs, **(extra_context or {})})

    def tabs(self, request: HttpRequest) -> list[dict[str, Any]]:
        here, items = request.GET.get("part", ""), work.visible_items(request.user)
        result = []
        for part, title in TABS:
            counted = part_of(items, part, request.user).order_by().values("pk")[: COUNT_TO + 1].count()
            link = f"?part={part}" if part else "?"
            result.append({"title": title, "count": some(counted, COUNT_TO), "active": part == here, "link": link})
        return result

    @display(description="Report", header=True)
    def asked(self, row: ReviewItem) -> list[str]:
        return [str(row.report)[:70], f"{row.report_id} · {row.report.category or 'no category yet'}"]

    @display(description="Why")
    def reasons(self, row: ReviewItem) -> str:
        return p.whys(row)

    @display(description="Risk")
    def shown_risk(self, row: ReviewItem) -> str:
        return f"{100 * row.risk:.0f} %"

    @display(description="Decide")
    def due(self, row: ReviewItem) -> str:
        return "" if row.status == Status.DONE else badge(*left(row.due_at, now=timezone.now()))

    @display(description="Solve")
    def solve(self, row: ReviewItem) -> str:
        due = None if row.report.closed_at else resolve_by(row.report)
        return badge(*left(due, now=timezone.now())) if due else ""

    @display(description="With")
    def holder(self, row: ReviewItem) -> str:
        held = row.status == Status.DONE or row.claim_until and row.claim_until > timezone.now()
        return str(row.claimed_by) if held and row.claimed_by else ""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ReviewItem | None:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.case = Case(row)
        return row

    def extras(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the bar above the report and its dialogs need."""
        waiting, place = work.waiting_items(request.user), work.ORDER.place_of(row)
        may_press = [b for b in self._may_press(request) if b.on_row and b.offered(row)]
        return {
            "case": row.case,
            "title_pieces": pieces(row.case.report.title, row.case.words),
            "reasons": list(zip(KEYS, REASONS.values(), strict=False)),
            "mine": mine(row),
            "press": {b.name: self._shown(b, row)["url"] for b in may_press},
            "behind": next(map(page_of, work.ORDER.behind(waiting, place)), ""),
            "before": next(map(page_of, work.ORDER.before(waiting, place)), ""),
        }

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        user, case = request.user, row.case
        return [
            p.story_panel(case),
            p.verdict_panel(case),
            p.lookalikes_panel(user, case),
            *photos_panel(case.report),
            history_panel(user, case.report),
            *p.decisions_panel(case.report),
            *trail_panel(user, "report", case.report.pk),
            p.clock_facts(user, case),
            p.place_panel(case),
            p.resident_facts(user, case.report),
        ]
