"""Departments and categories in the console: who is in them, and what they promise."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from audit.panels import trail_panel
from base.admin import Button, Done, ReadOnlyAdmin
from base.links import list_url, row_link
from base.panels import GOOD, IDLE, Facts, Panel, Table, anchor, badge
from reports.models import Category, Department, Report
from reports.offices import changes

OPEN = Q(status__in=[Report.Status.RECEIVED, Report.Status.ACKNOWLEDGED, Report.Status.IN_PROGRESS])


class MemberForm(forms.Form):
    username = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget(), help_text="Of the account.")


class DepartmentForm(forms.Form):
    name = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget())
    email = forms.EmailField(required=False, widget=UnfoldAdminEmailInputWidget())
    triages = forms.BooleanField(
        required=False, widget=UnfoldBooleanWidget(), help_text="Its reviewers also see what has no department yet."
    )


class CategoryForm(forms.Form):
    name = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget())
    description = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget())
    department = forms.ModelChoiceField(Department.objects.all(), widget=UnfoldAdminSelectWidget())
    resolve_hours = forms.IntegerField(
        min_value=1, max_value=8_760, widget=UnfoldAdminIntegerFieldWidget(), help_text="From report to resolution."
    )
    is_active = forms.BooleanField(
        required=False, widget=UnfoldBooleanWidget(), help_text="Offered to who files a report."
    )


def add(row: Department, data: dict[str, Any]) -> Done:
    return Done(f"{changes.add_member(department=row, **data)} is in {row}.")


def remove(row: Department, data: dict[str, Any]) -> Done:
    return Done(f"{changes.remove_member(department=row, **data)} is not in {row} any more.")


def edit(row: Department, data: dict[str, Any]) -> Done:
    changes.change_department(department=row, **data)
    return Done("The department is changed.")


def edit_category(row: Category, data: dict[str, Any]) -> Done:
    changes.change_category(category=row, **data)
    return Done("The category is changed; reports that are filed stay as they are.")


def button(name: str, title: str, icon: str, question: str, press: Any, form: type[forms.Form], what: str) -> Button:
    return Button(
        name=name, title=title, icon=icon, permission=f"reports.change_{what}", question=question, press=press,
        form=form, refusals=(changes.NoSuchPerson,),
    )  # fmt: skip


class Prefilled(ReadOnlyAdmin):
    """Questions about a row begin with what it has."""

    def ask_page(self, request: HttpRequest, button: Button, form: forms.Form, **more: Any) -> Any:
        row = more.get("row")
        for name in form.fields if row is not None else ():
            if hasattr(row, name):
                value = getattr(row, name)
                form.initial.setdefault(name, value.pk if hasattr(value, "pk") else value)
        return super().ask_page(request, button, form, **more)


@admin.register(Department)
class DepartmentAdmin(Prefilled):
    icon, entity_type = "apartment", "department"
    list_display = ["name", "people", "open_reports", "email", "triages"]
    search_fields = ["code"]
    buttons = [
        button("add", "Add a member", "person_add", "They deal with its reports.", add, MemberForm, "department"),
        button("remove", "Remove a member", "person_remove", "They do not see its work any more.", remove, MemberForm,
               "department"),
        button("edit", "Edit", "edit", "Name, address and triage.", edit, DepartmentForm, "department"),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Department]:
        return super().get_queryset(request).annotate(members_count=Count("members"))

    @display(description="Members")
    def people(self, row: Any) -> int:
        return row.members_count

    @display(description="Open reports")
    def open_reports(self, row: Department) -> str:
        count = Report.objects.filter(OPEN, department=row).count()
        return anchor(list_url(Report, f"?department__code__exact={row.pk}"), f"{count:,}")

    def panels(self, request: HttpRequest, row: Department) -> list[Panel]:
        user = request.user
        members = [(row_link(user, type(one), one.pk, one), one.role) for one in row.members.order_by("username")]
        kinds = [(row_link(user, Category, one.pk, one), f"{one.resolve_hours} h") for one in row.categories.all()]
        return [
            Table(title="Members", headers=["Account", "Role"], rows=members),
            Table(title="Categories", headers=["Category", "Resolved within"], rows=kinds),
            *trail_panel(user, "department", row.pk),
            Facts(
                title=row.name,
                side=True,
                rows=[
                    ("Code", row.code),
                    ("E-mail", row.email),
                    ("Triages", badge("yes", GOOD) if row.triages else badge("no", IDLE)),
                ],
            ),
        ]


@admin.register(Category)
class CategoryAdmin(Prefilled):
    icon, entity_type = "category", "category"
    list_display = ["name", "department", "resolve_hours", "description", "is_active"]
    list_select_related = ["department"]
    search_fields = ["code"]
    buttons = [
        button("edit", "Edit", "edit", "What it is called and promises.", edit_category, CategoryForm, "category")
    ]

    def panels(self, request: HttpRequest, row: Category) -> list[Panel]:
        user = request.user
        return [
            Facts(
                title=row.name,
                rows=[
                    ("Code", row.code),
                    ("Description", row.description),
                    ("Department", row_link(user, Department, row.department_id, row.department)),
                    ("Resolved within", f"{row.resolve_hours} hours"),
                    ("Offered", "yes" if row.is_active else "no"),
                    ("Reports", anchor(list_url(Report, f"?category__code__exact={row.pk}"), "its reports")),
                ],
            ),
            *trail_panel(user, "category", row.pk),
        ]
