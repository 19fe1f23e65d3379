"""Entries as auditors see them, and what they may ask for."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit import chain, search
from audit.models import Entry
from base.serializers import PlainSerializer, StrictSerializer

HELP = {
    "actor": "`user:<id>`, `task:<name>`, `command:<name>`, `scheduler`.",
    "target": "`type` or `type:id`.",
    "from": "A date, or a time in UTC unless it says otherwise.",
    "to": "Up to a time, or to the end of a day.",
    "q": f"The words of the console's search box: `{search.EXAMPLE}`; and an action, actor or id exactly.",
}


class FilterSerializer(StrictSerializer):
    """Entries that meet all of the filters; without one, all entries. `condition` holds them for a query."""

    condition: Any = None

    def get_fields(self) -> dict[str, serializers.Field]:
        """Made here, as `from` cannot be the name of an attribute."""
        fields = super().get_fields()
        for name in search.FILTERS:
            fields[name] = serializers.CharField(max_length=500, required=False, help_text=HELP.get(name, ""))
        fields["status"] = serializers.ChoiceField(choices=Entry.Status.choices, required=False)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            self.condition = search.filtered({name: attrs[name] for name in search.FILTERS if name in attrs})
        except Invalid as error:
            raise serializers.ValidationError(error.message_dict) from None
        return attrs


class SealSerializer(PlainSerializer):
    """The entry's link of the hash chain."""

    sequence = serializers.IntegerField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField()
    sealed_at = serializers.DateTimeField()


class EntrySerializer(PlainSerializer):
    """`seal` is null for some seconds, until the entry is sealed."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    actor = serializers.CharField()
    status = serializers.ChoiceField(choices=Entry.Status.choices)
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    correlation_id = serializers.CharField()
    metadata = serializers.DictField()
    seal = serializers.SerializerMethodField()

    @extend_schema_field(SealSerializer(allow_null=True))
    def get_seal(self, entry: Entry) -> dict[str, Any] | None:
        seal = getattr(entry, "seal", None)
        return None if seal is None else SealSerializer(seal).data


class EntryDetailSerializer(EntrySerializer):
    """`intact`: the entry still has the hash it was sealed with; null while it has none."""

    intact = serializers.SerializerMethodField()

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_intact(self, entry: Entry) -> bool | None:
        seal = getattr(entry, "seal", None)
        return None if seal is None else chain.entry_hash(seal.sequence, seal.previous_hash, entry) == seal.hash
