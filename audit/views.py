"""The trail over HTTP, for auditors. Reading it leaves no entry, which would bury the rest; taking it out does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import serializers as s
from audit.models import Entry
from audit.search import FILTERS
from base.pagination import NewestFirst
from base.queries import refuse_unknown
from base.roles import Role

AUDITORS = frozenset({Role.AUDITOR})
PAGING = {"cursor", "limit", "format"}


class NewestEntry(NewestFirst):
    """By id, in which every index ends."""

    ordering = ("-id",)

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_id(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class OldestEntry(NewestEntry):
    ordering = ("id",)


class EntryList(ListAPIView):
    """The trail, newest first."""

    roles = AUDITORS
    serializer_class = s.EntrySerializer
    pagination_class = NewestEntry
    queryset = Entry.objects.none()

    @extend_schema(operation_id="audit_list", tags=["audit"], parameters=[s.FilterSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {*FILTERS, *PAGING})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        given = self.request.query_params
        asked = s.FilterSerializer(data={name: given[name] for name in FILTERS if name in given})
        asked.is_valid(raise_exception=True)
        return Entry.objects.filter(asked.condition).select_related("seal")


class EntryDetail(APIView):
    """One entry with its seal, held against it on the spot."""

    roles = AUDITORS

    @extend_schema(operation_id="audit_retrieve", tags=["audit"], responses=s.EntryDetailSerializer)
    def get(self, request: Request, entry_id: int) -> Response:
        refuse_unknown(request, {"format"})
        entry = Entry.objects.select_related("seal").filter(pk=entry_id).first()
        if entry is None:
            raise NotFound("There is no such entry.")
        return Response(s.EntryDetailSerializer(entry).data)


class Timeline(ListAPIView):
    """Everything that was noted about one entity, oldest first."""

    roles = AUDITORS
    serializer_class = s.EntrySerializer
    pagination_class = OldestEntry
    queryset = Entry.objects.none()

    @extend_schema(operation_id="audit_timeline", tags=["audit"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, PAGING)
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        entity_type, entity_id = self.kwargs["entity_type"], self.kwargs["entity_id"]
        return Entry.objects.filter(entity_type=entity_type, entity_id=entity_id).select_related("seal")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:20]) < 2**63
