"""Insurance over HTTP: programs write what happened, staff look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from base.serializers import StrictSerializer
from base.throttles import ScopedThrottle
from policies import serializers as s
from policies import services
from policies.models import PaymentTransaction, Policy, Quote

READERS = frozenset({Role.OPERATOR, Role.ANALYST})
WRITERS = frozenset({Role.SERVICE})
USER_ID = OpenApiParameter("user_id", {"type": "integer", "minimum": 1}, description="Only this user's.")


class NewestById(NewestFirst):
    """In the order they were stored, which is the order of the primary key."""

    ordering = ("-id",)

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and _id(str(cursor.position)) is None:
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _id(text: str) -> int | None:
    """A row's key from its decimal digits."""
    digits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if digits and int(text) <= s.BIGGEST_ID else None


class Rows(ListAPIView):
    """A list to read and add to. `user_path`: the way to the user whose rows `user_id` asks for."""

    roles = {"GET": READERS, "POST": WRITERS}
    pagination_class = NewestById
    throttle_classes = [ScopedThrottle]
    throttle_scope = "policies"
    user_path: ClassVar[str] = "user_id"

    @extend_schema(tags=["policies"], parameters=[USER_ID])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"user_id", "cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        asked = self.request.query_params.get("user_id")
        if asked is None:
            return rows
        user_id = _id(asked)
        if user_id is None:
            raise ValidationError({"user_id": ["The number of a user."]})
        return rows.filter(**{self.user_path: user_id})

    def write(self, request: Request, asked: type[StrictSerializer], service: Callable[..., tuple[Any, bool]]) -> Any:
        """201 with the new row, 200 with the one that is known under its external id."""
        refuse_unknown(request, {"format"})
        data = asked(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            row, is_new = service(**data.validated_data)
        except services.Refused as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except services.Conflicting as error:
            raise Conflict(str(error)) from None
        return Response(self.get_serializer(row).data, status=201 if is_new else 200)


def writing(asked: type[StrictSerializer], answered: type[ModelSerializer]) -> Any:
    known = OpenApiResponse(answered, description="Known already under this external_id.")
    return extend_schema(tags=["policies"], request=asked, responses={201: answered, 200: known})


class Quotes(Rows):
    """Quotes, newest first; and a new one."""

    serializer_class = s.QuoteSerializer
    queryset = Quote.objects.all()

    @writing(s.QuoteCreateSerializer, s.QuoteSerializer)
    def post(self, request: Request) -> Response:
        return self.write(request, s.QuoteCreateSerializer, services.create_quote)


class Policies(Rows):
    """Policies, newest first; and a quote bound into a new one."""

    serializer_class = s.PolicySerializer
    queryset = Policy.objects.all()

    @writing(s.PolicyCreateSerializer, s.PolicySerializer)
    def post(self, request: Request) -> Response:
        return self.write(request, s.PolicyCreateSerializer, services.bind_quote)


class PaymentTransactions(Rows):
    """Payments and failed tries, newest first; and a new one, which never changes afterwards."""

    serializer_class = s.PaymentTransactionSerializer
    queryset = PaymentTransaction.objects.all()
    user_path = "policy__user_id"

    @writing(s.PaymentTransactionCreateSerializer, s.PaymentTransactionSerializer)
    def post(self, request: Request) -> Response:
        return self.write(request, s.PaymentTransactionCreateSerializer, services.record_payment)


class Detail(RetrieveAPIView):
    roles = READERS
    throttle_classes = [ScopedThrottle]
    throttle_scope = "policies"

    @extend_schema(tags=["policies"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"format"})
        return super().get(request, *args, **kwargs)


class QuoteDetail(Detail):
    """One quote."""

    serializer_class = s.QuoteSerializer
    queryset = Quote.objects.all()


class PolicyDetail(Detail):
    """One policy."""

    serializer_class = s.PolicySerializer
    queryset = Policy.objects.all()


class PaymentTransactionDetail(Detail):
    """One payment, or try to pay."""

    serializer_class = s.PaymentTransactionSerializer
    queryset = PaymentTransaction.objects.all()
