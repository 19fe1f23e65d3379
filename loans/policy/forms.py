"""What the console asks before it acts on a policy."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from base.admin import ReasonForm
from loans.models import PolicyVersion
from loans.policy.control import InvalidPolicy, checked_rules
from loans.policy.trial import LOSS_GIVEN_DEFAULT

SCORES = ("approve_from", "approve_from_application", "review_from")
SHARES = ("fraud_review_from", "low_risk_below", "high_risk_from", "anomaly_from", "anomaly_weight")


class DraftForm(ReasonForm):
    """A new version from an old one: what is left empty stays as it was."""

    version = forms.RegexField(r"^[A-Za-z0-9._-]{1,10}$", widget=UnfoldAdminTextInputWidget())
    rules = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text="Fraud rules as JSON, if they change: name, kind, limits, weight, reason_code, reason_text, enabled.",
    )
    field_order = ["version", *SCORES, *SHARES, "max_amount", "scorecard", "anomaly", "rules", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SCORES:
            self.fields[name] = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget())
        for name in SHARES:
            self.fields[name] = forms.FloatField(required=False, widget=UnfoldAdminDecimalFieldWidget())
        self.fields["max_amount"] = forms.DecimalField(
            required=False, max_digits=12, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget()
        )
        for name in ("scorecard", "anomaly"):
            self.fields[name] = forms.CharField(required=False, max_length=20, widget=UnfoldAdminTextInputWidget())
        self.order_fields(self.field_order)

    def clean_rules(self) -> list[dict[str, Any]] | None:
        text = self.cleaned_data["rules"]
        if not text.strip():
            return None
        try:
            return checked_rules(json.loads(text))
        except json.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None
        except InvalidPolicy as error:
            raise forms.ValidationError(str(error)) from None

    def changes(self) -> dict[str, Any]:
        names = [*SCORES, *SHARES, "max_amount", "scorecard", "anomaly"]
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name] not in (None, "")}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            data["changes"] = self.changes()
        if PolicyVersion.objects.filter(version=data.get("version", "")).exists():
            self.add_error("version", "There is such a version already.")
        return data


class TrialForm(ReasonForm):
    since = forms.DateTimeField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Only requests since then; empty for all."
    )
    loss_given_default = forms.FloatField(
        min_value=0, max_value=1, initial=LOSS_GIVEN_DEFAULT, widget=UnfoldAdminDecimalFieldWidget(),
        help_text="The share of an amount that is lost when a loan goes bad.",
    )  # fmt: skip
    field_order = ["since", "loss_given_default", "reason"]
