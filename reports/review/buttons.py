"""What a reviewer can press: claim, give back, decide. A decision leads to the next report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from base import context
from base.admin import Button, Done, page_of
from base.links import list_url
from base.worklist import OwnWork, WrongState
from reports.filing.services import UnknownCategory
from reports.models import Category, ReviewDecision, ReviewItem
from reports.review import deciding, work
from reports.review.reasons import REASONS, UnknownReason

REFUSALS = (WrongState, OwnWork, UnknownReason, UnknownCategory, ReviewItem.DoesNotExist)


class NothingForm(forms.Form):
    pass


class NoteForm(forms.Form):
    note = forms.CharField(
        required=False, max_length=1000, widget=UnfoldAdminTextInputWidget(), help_text="For staff alone."
    )


class CorrectForm(NoteForm):
    field_order = ["category", "note"]
    category = forms.ModelChoiceField(Category.objects.filter(is_active=True), widget=UnfoldAdminSelectWidget())


class RejectForm(NoteForm):
    field_order = ["reason", "public_text", "note"]
    reason = forms.ChoiceField(
        choices=[(one.code, one.title) for one in REASONS.values()], widget=UnfoldAdminSelectWidget()
    )
    public_text = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(),
        help_text="What the resident reads; the reason's own words if empty.",
    )


class MergeForm(NoteForm):
    field_order = ["into", "note"]
    into = forms.IntegerField(
        min_value=1, max_value=2**62, widget=UnfoldAdminIntegerFieldWidget(), help_text="Number of the other report."
    )


def me() -> Any:
    return get_user_model().objects.get(pk=context.current().user_id)


def mine(row: ReviewItem) -> bool:
    return row.status == ReviewItem.Status.CLAIMED and row.claimed_by_id == context.current().user_id


def claim(row: ReviewItem, data: dict[str, Any]) -> Done:
    item = work.claim_item(item_id=row.pk, user=me())
    return Done(f"It is yours until {item.claim_until:%H:%M} UTC.")


def release(row: ReviewItem, data: dict[str, Any]) -> Done:
    work.release_item(item_id=row.pk, user=me())
    return Done("It is back in the queue.", list_url(ReviewItem))


def skip(row: ReviewItem, data: dict[str, Any]) -> Done:
    person = me()
    if mine(row):
        work.release_item(item_id=row.pk, user=person, reason="skipped")
    return onward(f"Report {row.report_id} is skipped.", work.claim_next(user=person, after=row))


def take_next(row: None, data: dict[str, Any]) -> Done:
    item = work.claim_next(user=me())
    return Done("It is yours.", page_of(item)) if item else Done("Nothing waits for you.", list_url(ReviewItem))


def accept(row: ReviewItem, data: dict[str, Any]) -> Done:
    decision = deciding.accept_item(item_id=row.pk, user=me(), note=data["note"])
    return decided(decision, f"{decision.category} stands")


def correct(row: ReviewItem, data: dict[str, Any]) -> Done:
    category = data["category"]
    decision = deciding.correct_item(item_id=row.pk, user=me(), category=category.pk, note=data["note"])
    return decided(decision, f"it is {category}, for {category.department}")


def reject(row: ReviewItem, data: dict[str, Any]) -> Done:
    decision = deciding.reject_item(item_id=row.pk, user=me(), **data)
    return decided(decision, f"rejected as {REASONS[decision.reason].title.lower()}")


def merge(row: ReviewItem, data: dict[str, Any]) -> Done:
    decision = deciding.merge_item(item_id=row.pk, user=me(), **data)
    return decided(decision, f"goes on as report {decision.into_id}")


def decided(decision: ReviewDecision, what: str) -> Done:
    return onward(f"Report {decision.report_id}: {what}.", work.claim_next(user=me()))


def onward(sentence: str, item: ReviewItem | None) -> Done:
    """To what is next; it is claimed already."""
    if item is None:
        return Done(f"{sentence} Nothing more waits for you.", list_url(ReviewItem))
    return Done(sentence, page_of(item))


def button(name: str, title: str, icon: str, question: str, press: Any, **more: Any) -> Button:
    return Button(
        name=name,
        title=title,
        icon=icon,
        permission="reports.decide_reviewitem",
        question=question,
        press=press,
        refusals=REFUSALS,
        **more,
    )


def open_to_others(row: ReviewItem) -> bool:
    return row.status != ReviewItem.Status.DONE


BUTTONS = [
    button("next", "Next report", "play_arrow", "Takes the first report that nobody has.", take_next,
           form=NothingForm, on_row=False),
    button("claim", "Claim", "back_hand", "Takes the report, so that nobody else decides it meanwhile.", claim,
           form=NothingForm, offered=open_to_others),
    button("accept", "Accept", "check", "The suggested category stands, and its department gets the report.", accept,
           form=NoteForm, offered=mine),
    button("correct", "Correct", "edit", "It is about something else. The model learns from it.", correct,
           form=CorrectForm, offered=mine),
    button("reject", "Reject", "close", "Nothing will be done, and the resident reads why.", reject,
           form=RejectForm, offered=mine, danger=True),
    button("merge", "Merge", "merge", "It is the same problem as another report, which goes on for both.", merge,
           form=MergeForm, offered=mine),
    button("release", "Release", "undo", "Gives the report back to the queue.", release, form=NothingForm,
           offered=mine),
    button("skip", "Skip", "skip_next", "Gives it back, and takes the first free one behind it.", skip,
           form=NothingForm, offered=open_to_others),
]  # fmt: skip
