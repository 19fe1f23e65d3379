"""Work lists over HTTP: pages of a queue, and what a refusal answers."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from base.pagination import NewestFirst
from base.problems import Conflict
from base.worklist import Order, OwnWork, Place, WrongState


def acting(service: Callable[..., Any], fields: Mapping[Any, str], **asked: Any) -> Any:
    """Call a service; a refusal has the status a client should see. fields: which one a kind of exception names."""
    try:
        return service(**asked)
    except ObjectDoesNotExist:
        raise Http404 from None
    except OwnWork as error:
        raise PermissionDenied(str(error)) from None
    except WrongState as error:
        raise Conflict(str(error)) from None
    except tuple(fields) as error:
        raise ValidationError({fields[type(error)]: [str(error)]}) from None


class QueuePages(BasePagination):
    """Pages of a queue in its order, both ways. A view names the order as `queue_order`.

    A page goes on from the place where the last one ended, so it costs the same however deep it is.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.order: Order = view.queue_order
        self.url = request.build_absolute_uri()
        limit = NewestFirst().get_page_size(request)
        place, back = self._cursor(request)
        if place is None:
            found = list(queryset.order_by(*self.order.fields)[: limit + 1])
        else:
            find = self.order.before if back else self.order.behind
            found = find(queryset, place, limit + 1)
        more, self.page = len(found) > limit, found[:limit]
        if back:
            self.page.reverse()
        self.has_next, self.has_previous = (True, more) if back else (more, place is not None)
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        first, last = (self.page[0], self.page[-1]) if self.page else (None, None)
        return Response(
            {
                "next": self._link(last, back=False) if last and self.has_next else None,
                "previous": self._link(first, back=True) if first and self.has_previous else None,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return NewestFirst().get_paginated_response_schema(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return NewestFirst().get_schema_operation_parameters(view)

    def _link(self, item: Any, *, back: bool) -> str:
        place = self.order.place_of(item)
        cursor = json.dumps([place.day.isoformat(), place.risk, place.pk, back]).encode()
        return replace_query_param(self.url, "cursor", urlsafe_b64encode(cursor).decode())

    def _cursor(self, request: Request) -> tuple[Place | None, bool]:
        raw = request.query_params.get("cursor")
        if raw is None:
            return None, False
        try:
            day, risk, pk, back = json.loads(urlsafe_b64decode(raw.encode()))
            return Place(date.fromisoformat(day), float(risk), min(int(pk), 2**62)), bool(back)
        except (ValueError, TypeError, OverflowError):
            raise NotFound("Invalid cursor") from None
