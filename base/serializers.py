"""Serializers that refuse what they do not know."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer):
    """An unknown key is an error, so that a misspelt option is never silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name[:50]: ["This key is not known here."] for name in unknown})
        return super().to_internal_value(data)


class PlainSerializer(serializers.Serializer):
    """Out as the row has it: its fields describe an answer, and the renderer writes times and ids by itself.

    For answers asked for often, as converting field by field costs more than finding and sending the row.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = {}
        for name, field in self._declared_fields.items():
            if isinstance(field, serializers.SerializerMethodField):
                shown[name] = getattr(self, f"get_{name}")(instance)
            else:
                shown[name] = getattr(instance, field.source or name)
        return shown


class MoneyField(serializers.DecimalField):
    """An amount with at most two decimals, above zero and below 10^10, as a number or a decimal string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, min_value=Decimal("0.01"), coerce_to_string=False, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        return Decimal(value)
