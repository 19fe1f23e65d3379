"""What the console asks before it acts on a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from base.admin import ReasonForm, ReasonRequiredForm
from loans import published as cards
from loans.models import PolicyVersion
from loans.policy import published, ruleform, wording
from loans.policy.control import InvalidPolicy, checked_rules
from loans.policy.trial import LOSS_GIVEN_DEFAULT

SCORES = {
    "approve_from": "Approve from, 0–100",
    "approve_from_application": "Approve from, application alone",
    "review_from": "Review from; below is declined",
}
SHARES = {
    "fraud_review_from": "Review from a fraud score of, 0–1",
    "low_risk_below": "Low risk below a probability of default of",
    "high_risk_from": "High risk from a probability of default of",
    "anomaly_from": "Anomaly flag from a score of",
    "anomaly_weight": "Weight of the anomaly flag",
}


class DraftForm(ReasonRequiredForm):
    """A new version from `base`: filled in with what that says."""

    version = forms.RegexField(r"^[A-Za-z0-9._-]{1,10}$", widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, base: PolicyVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.base = base
        self.rules = published.rule_set_of(base.rule_set).rules
        for name, label in SCORES.items():
            self.fields[name] = forms.IntegerField(
                label=label, min_value=0, max_value=100, widget=UnfoldAdminIntegerFieldWidget()
            )
        for name, label in SHARES.items():
            self.fields[name] = forms.FloatField(
                label=label, min_value=0, max_value=1, widget=UnfoldAdminDecimalFieldWidget()
            )
        self.fields["max_amount"] = forms.DecimalField(
            label="Without a person up to; empty for any amount",
            required=False, max_digits=12, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget(),
        )  # fmt: skip
        for name, none, versions in (
            ("scorecard", "the current one", cards.versions()),
            ("anomaly", "none", published.anomaly_versions()),
        ):
            self.fields[name] = forms.ChoiceField(
                required=False,
                choices=[("", none), *((one, one) for one in versions)],
                widget=UnfoldAdminSelectWidget(),
            )
        self.thresholds = [*SCORES, *SHARES, "max_amount", "scorecard", "anomaly"]
        for name in self.thresholds:
            self.initial.setdefault(name, getattr(base, name))
        self.fields |= ruleform.rule_fields(self.rules)

    def leading(self) -> list[forms.BoundField]:
        return [self["version"], *(self[name] for name in self.thresholds)]

    def rule_rows(self) -> Iterator[dict[str, Any]]:
        """Each rule with its fields, and then the one that may be added."""
        for number, one in enumerate(self.rules):
            yield {
                "rule": one,
                "said": wording.said(one.kind, one.limits),
                "enabled": self[f"{number}-enabled"],
                "limits": self._limits(str(number), ruleform.limits_of(one.kind)),
                "weight": self[f"{number}-weight"],
            }

    def more(self) -> dict[str, Any]:
        names = ("kind", "name", "weight", "reason")
        fields = {name: self[f"{ruleform.MORE}-{name}"] for name in names}
        return fields | {"limits": self._limits(ruleform.MORE, list(ruleform.LIMITS))}

    def _limits(self, prefix: str, names: list[str]) -> list[tuple[str, forms.BoundField]]:
        return [(ruleform.LABELS[name], self[f"{prefix}-{name}"]) for name in names]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        if PolicyVersion.objects.filter(version=data["version"]).exists():
            self.add_error("version", "There is such a version already.")
        data["changes"] = {name: data[name] for name in self.thresholds if data[name] != getattr(self.base, name)}
        try:
            data["rules"] = self._changed(checked_rules(ruleform.rules_of(data, self.rules)))
        except InvalidPolicy as error:
            self.add_error(None, str(error))
        except forms.ValidationError as error:
            self.add_error(None, error)
        return data

    def _changed(self, rules: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """The rules, or None where they stay those of the base."""
        same = [
            {"name": one.name, "limits": dict(one.limits), "weight": one.weight, "enabled": one.enabled}
            for one in self.rules
        ]
        return None if [{name: one[name] for name in same[0]} for one in rules if same] == same else rules


class TrialForm(ReasonForm):
    since = forms.DateTimeField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Only requests since then; empty for all."
    )
    loss_given_default = forms.FloatField(
        min_value=0, max_value=1, initial=LOSS_GIVEN_DEFAULT, widget=UnfoldAdminDecimalFieldWidget(),
        help_text="The share of an amount that is lost when a loan goes bad.",
    )  # fmt: skip
    field_order = ["since", "loss_given_default", "reason"]
