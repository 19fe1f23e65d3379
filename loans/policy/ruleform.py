"""The fields in which staff change the fraud rules of a draft: each rule's limits and weight, and one rule more."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from loans import reasons
from loans.policy.fraud import KINDS, SUBJECTS, Rule

LIMITS = ("subject", "from", "window_s", "factor", "days", "amount")  # in the order they are asked for
LABELS = {
    "subject": "of",
    "from": "from",
    "window_s": "within, seconds",
    "factor": "times",
    "days": "days",
    "amount": "amount",
}
MORE = "more"


def rule_fields(rules: Sequence[Rule]) -> dict[str, forms.Field]:
    """By name: `3-from` is the limit `from` of the fourth rule, `more-from` that of a rule to be added."""
    fields: dict[str, forms.Field] = {}
    for number, one in enumerate(rules):
        fields[f"{number}-enabled"] = forms.BooleanField(
            required=False, initial=one.enabled, widget=UnfoldBooleanSwitchWidget()
        )
        for name in limits_of(one.kind):
            field = limit_field(name, KINDS[one.kind].limits[name])
            field.initial = one.limits[name]
            fields[f"{number}-{name}"] = field
        fields[f"{number}-weight"] = weight_field(one.weight)
    kinds = [("", "no other rule"), *((name, f"{name}: {kind.title}") for name, kind in KINDS.items())]
    told = [(one.code, f"{one.code} {one.text}") for one in reasons.catalogue().values()]
    more: dict[str, forms.Field] = {
        "kind": forms.ChoiceField(choices=kinds, widget=UnfoldAdminSelectWidget()),
        "name": forms.RegexField(r"^[a-z0-9_]{1,60}$", widget=UnfoldAdminTextInputWidget()),
        **{name: limit_field(name, wanted(name)) for name in LIMITS},
        "weight": weight_field(None),
        "reason": forms.ChoiceField(choices=told, widget=UnfoldAdminSelectWidget()),
    }
    for name, field in more.items():
        field.required = False
        fields[f"{MORE}-{name}"] = field
    return fields


def limits_of(kind: str) -> list[str]:
    return [name for name in LIMITS if name in KINDS[kind].limits]


def wanted(limit: str) -> Any:
    """What a limit may be in any kind."""
    return SUBJECTS if limit == "subject" else next(one.limits[limit] for one in KINDS.values() if limit in one.limits)


def limit_field(name: str, wanted: Any) -> forms.Field:
    if name == "subject":
        return forms.ChoiceField(choices=[(one, one) for one in wanted], widget=UnfoldAdminSelectWidget())
    form, least, most = wanted
    if form is int:
        return forms.IntegerField(min_value=least, max_value=most, widget=UnfoldAdminIntegerFieldWidget())
    return forms.DecimalField(
        min_value=Decimal(str(least)), max_value=Decimal(str(most)), widget=UnfoldAdminDecimalFieldWidget()
    )


def weight_field(initial: float | None) -> forms.Field:
    return forms.FloatField(min_value=0.0001, max_value=1, initial=initial, widget=UnfoldAdminDecimalFieldWidget())


def rules_of(data: dict[str, Any], rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The rules as they were filled in, as drafts take them. Raises ValidationError."""
    found = [
        {
            "name": one.name,
            "kind": one.kind,
            "limits": {name: plain(data[f"{number}-{name}"]) for name in limits_of(one.kind)},
            "weight": data[f"{number}-weight"],
            "reason_code": one.reason.code,
            "reason_text": one.reason.text,
            "enabled": data[f"{number}-enabled"],
        }
        for number, one in enumerate(rules)
    ]
    return [*found, another(data)] if data[f"{MORE}-kind"] else found


def another(data: dict[str, Any]) -> dict[str, Any]:
    kind, reason = data[f"{MORE}-kind"], reasons.catalogue()[data[f"{MORE}-reason"]]
    missing = [name for name in ("name", "weight", *limits_of(kind)) if data[f"{MORE}-{name}"] in (None, "")]
    if missing:
        raise forms.ValidationError({f"{MORE}-{name}": f"{kind} needs this." for name in missing})
    return {
        "name": data[f"{MORE}-name"],
        "kind": kind,
        "limits": {name: plain(data[f"{MORE}-{name}"]) for name in limits_of(kind)},
        "weight": data[f"{MORE}-weight"],
        "reason_code": reason.code,
        "reason_text": reason.text,
        "enabled": True,
    }


def plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value
