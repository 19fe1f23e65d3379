"""One kind of page for the console: rows are read, found by exact words, and acted on by buttons that call services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, checkbox
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextInputWidget

from base.links import row_url
from base.panels import Panel, when
from base.words import split


class ReasonForm(forms.Form):
    reason = forms.CharField(
        required=False, max_length=300, widget=UnfoldAdminTextInputWidget(), help_text="Kept in the audit trail."
    )


class ReasonRequiredForm(ReasonForm):
    """For what is done to the work of others: they will want to know why."""

    reason = forms.CharField(
        max_length=300, widget=UnfoldAdminTextInputWidget(), help_text="Required; kept in the audit trail."
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What a press did, in a sentence, and where to go on; without `url` back to where it was pressed."""

    sentence: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A service that staff with a permission may call. Asks for its form's fields first; only a POST presses it.

    press(row, data): calls the service; `row` is None for a button that is about no row.
    refusals: exceptions of the service whose sentence is shown.
    offered(row): whether it is worth showing; the service decides by itself.
    preview(form): panels to look at before pressing.
    form: its fields may be filled in by the address of the question. template: of the page that asks.
    given(row): what the form is made with besides.
    many: also offered for selected rows of the list.
    """

    name: str
    title: str
    icon: str
    permission: str
    question: str
    press: Callable[[Any, dict[str, Any]], Done]
    refusals: tuple[type[Exception], ...] = ()
    offered: Callable[[Any], bool] = lambda row: True
    preview: Callable[[forms.Form], list[Panel]] = lambda form: []
    form: type[forms.Form] = ReasonForm
    given: Callable[[Any], dict[str, Any]] = lambda row: {}
    template: str = "console/ask.html"
    on_row: bool = True
    many: bool = False
    danger: bool = False


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services write.

    icon: of the sidebar. entity_type: the word that audit entries and tasks use for these rows.
    more: further pages beside the list: (title, icon, name of the address).
    search_words: what `word:value` in the search box means; `find` is for the rest.
    """

    icon = "table_rows"
    more: Sequence[tuple[str, str, str]] = ()
    entity_type = ""
    buttons: Sequence[Button] = ()
    search_words: Mapping[str, Callable[[str], Q]] = {}
    paginator = InfinitePaginator
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: Sequence[str] = ()
    list_per_page = 50
    list_fullwidth = True
    list_disable_select_all = True
    change_list_template = "console/list.html"
    row_template = "console/row.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # Looking

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        """What the page of one row shows."""
        raise NotImplementedError

    def extras(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What a `row_template` of its own needs besides."""
        return {}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        panels = self.panels(request, row)
        context = self._context(request, row) | {
            "panels": [panel for panel in panels if not panel.side],
            "side_panels": [panel for panel in panels if panel.side],
            "buttons": [self._shown(b, row) for b in self._may_press(request) if b.offered(row)],
        }
        return TemplateResponse(request, self.row_template, context | self.extras(request, row))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        page = {"title": title, "buttons": self.list_buttons(request), **(extra_context or {})}
        return super().changelist_view(request, page)

    def action_checkbox(self, row: Any) -> str:
        return format_html(_tick(), row.pk)

    def list_buttons(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [self._shown(button, None) for button in self._may_press(request) if not button.on_row]

    def _row(self, request: HttpRequest, object_id: str | None) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.get_object(request, unquote(object_id)) if object_id else None

    def _context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        shared = self.admin_site.each_context(request)
        return {
            **shared,
            "opts": self.opts,
            "original": row,
            "title": str(row) if row else capfirst(self.opts.verbose_name_plural),
        }

    # Finding

    search_fields: Sequence[str] = ()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Exact comparisons only, each served by an index. What cannot be read is answered with a sentence."""
        given, free = split(search_term, self.search_words)
        try:
            for word, value in given:
                queryset = queryset.filter(self.search_words[word](value))
            return (queryset.filter(self.find(free)) if free else queryset), False
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return queryset.none(), False

    def find(self, term: str) -> Q:
        """Rows that words without a colon mean: the first of the search fields that has them decides."""
        return self.first_of(*(exactly(self.model, term, field) for field in self.search_fields))

    def first_of(self, *conditions: Q) -> Q:
        """The first condition that some row meets. Each has its own index; joined by OR they would have none."""
        rows = self.model._default_manager.order_by()
        return next((condition for condition in conditions if rows.filter(condition).exists()), Q(pk__in=[]))

    # Acting

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = []
        for button in self.buttons:
            route = f"<path:object_id>/{button.name}/" if button.on_row else f"{button.name}/"
            view = self.admin_site.admin_view(partial(self._ask, button=button))
            own.append(path(route, view, name=f"{name}_{button.name}"))
        return own + super().get_urls()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if IS_POPUP_VAR in request.GET:
            return {}
        return {
            button.name: (partial(_press_many, button), button.name, f"{button.title} selected")
            for button in self._may_press(request)
            if button.many
        }

    def _may_press(self, request: HttpRequest) -> list[Button]:
        return [button for button in self.buttons if request.user.has_perm(button.permission)]

    def _shown(self, button: Button, row: Any) -> dict[str, Any]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{button.name}"
        return {"button": button, "url": reverse(name, args=[quote(row.pk)] if button.on_row else [])}

    def _ask(self, request: HttpRequest, button: Button, object_id: str | None = None) -> HttpResponse:
        """GET asks, POST presses."""
        if not request.user.has_perm(button.permission):
            raise PermissionDenied
        row = self._row(request, object_id)
        if button.on_row and row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        back = page_of(row) if row is not None else reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        )  # fmt: skip
        data = request.POST if request.method == "POST" else None
        form = button.form(data, initial=request.GET.dict(), **button.given(row))
        if not form.is_valid():
            return self.ask_page(request, button, form, row=row, back=back)
        try:
            done = button.press(row, form.cleaned_data)
        except button.refusals as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(back)
        messages.success(request, done.sentence)
        return HttpResponseRedirect(done.url or back)

    def ask_page(
        self, request: HttpRequest, button: Button, form: forms.Form, *, back: str, row: Any = None, chosen: Any = ()
    ) -> HttpResponse:
        asked = {"button": button, "form": form, "back": back, "chosen": chosen, "panels": button.preview(form)}
        return TemplateResponse(request, button.template, self._context(request, row) | asked)


class BoardAdmin(ReadOnlyAdmin):
    """Rows so few that one page shows them all, as panels instead of a list."""

    def board(self, request: HttpRequest) -> list[Panel]:
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self._context(request, None) | {"panels": self.board(request), "buttons": self.list_buttons(request)}
        return TemplateResponse(request, "console/row.html", context)


@cache
def _tick() -> str:
    """A row's checkbox as the theme draws it, with a place for its key: a template for each row is dear."""
    return checkbox.render(ACTION_CHECKBOX_NAME, "{}")


def _press_many(button: Button, page: ReadOnlyAdmin, request: HttpRequest, rows: QuerySet) -> HttpResponse | None:
    """Press a button for the ticked rows, never for rows nobody looked at."""
    if not request.user.has_perm(button.permission):
        raise PermissionDenied
    chosen = list(rows.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME)))
    form = button.form(request.POST if "confirmed" in request.POST else None)
    if not form.is_valid():
        return page.ask_page(request, button, form, back=request.get_full_path(), chosen=chosen)
    done, refused = 0, []
    for row in chosen:
        try:
            button.press(row, form.cleaned_data)
            done += 1
        except button.refusals as error:
            refused.append(str(error))
    messages.success(request, f"{button.title}: {done} done, {len(refused)} refused.")
    for sentence in dict.fromkeys(refused):
        messages.error(request, sentence)
    return None


def exactly(model: type[Model], term: str, name: str) -> Q:
    """Rows in which a field is this term; none when it does not fit the field's type."""
    field: Any = model._meta.get_field(name)
    try:
        return Q(**{name: field.clean(term, None)})
    except ValidationError:
        return Q(pk__in=[])


def moment_column(field: str, title: str) -> Callable[[Any], str]:
    @display(description=title)
    def column(row: Any) -> str:
        return when(getattr(row, field))

    column.__name__ = field
    return column


def page_of(row: Any) -> str:
    return row_url(row._meta.app_label, row._meta.model_name, quote(row.pk))
