"""Granting and repayment over HTTP, told by the program that moves the money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.problems import Conflict
from base.roles import Role
from base.serializers import MoneyField, StrictSerializer
from loans.models import Loan, LoanPayment, LoanRequest
from loans.repayment import book


class GrantSerializer(StrictSerializer):
    external_id = serializers.CharField(max_length=60)
    granted_date = serializers.DateField()

    def validate_granted_date(self, day: Any) -> Any:
        if not 2000 <= day.year <= timezone.now().year + 1:
            raise serializers.ValidationError("A day since 2000, and not years ahead.")
        return day


class PaymentSerializer(StrictSerializer):
    external_id = serializers.CharField(max_length=100)
    instalment = serializers.IntegerField(min_value=1, max_value=120)
    paid_at = serializers.DateTimeField()

    def validate_paid_at(self, moment: Any) -> Any:
        if moment.year < 2000 or moment > timezone.now() + timedelta(minutes=5):
            raise serializers.ValidationError("Not before 2000, and not in the future.")
        return moment


class GrantedSerializer(serializers.Serializer):
    loan_id = serializers.IntegerField(source="pk")
    external_id = serializers.CharField(source="external_ref")
    granted_date = serializers.DateField()
    amount = MoneyField()
    term_months = serializers.IntegerField()
    outcome = serializers.CharField()
    instalments = serializers.SerializerMethodField()

    def get_instalments(self, loan: Loan) -> list[dict[str, Any]]:
        return [{"number": one.number, "due_date": one.due_date, "amount": one.amount} for one in
                loan.instalments.all()]  # fmt: skip


class PaidSerializer(serializers.Serializer):
    external_id = serializers.CharField()
    instalment = serializers.IntegerField(source="instalment.number")
    amount = MoneyField(source="instalment.amount")
    due_date = serializers.DateField(source="instalment.due_date")
    paid_at = serializers.DateTimeField(source="happened_at")


class LoanGrant(APIView):
    """An approved loan was paid out: its instalments are due from a month later on."""

    roles = {Role.SERVICE}

    @extend_schema(
        tags=["loans"],
        request=GrantSerializer,
        responses={201: GrantedSerializer, 200: OpenApiResponse(GrantedSerializer, description="Known already.")},
    )
    def post(self, request: Request, request_id: Any) -> Response:
        loan, is_new = written(request, request_id, GrantSerializer, book.grant_loan)
        return Response(GrantedSerializer(loan).data, status=201 if is_new else 200)


class LoanPayments(APIView):
    """An instalment was paid. What nobody told of in time is noted as missed by itself."""

    roles = {Role.SERVICE}

    @extend_schema(
        tags=["loans"],
        request=PaymentSerializer,
        responses={201: PaidSerializer, 200: OpenApiResponse(PaidSerializer, description="Known already.")},
    )
    def post(self, request: Request, request_id: Any) -> Response:
        payment, is_new = written(request, request_id, PaymentSerializer, book.record_payment)
        return Response(PaidSerializer(payment).data, status=201 if is_new else 200)


def written(
    request: Request, request_id: Any, asked: type[StrictSerializer], service: Callable[..., tuple[Any, bool]]
) -> tuple[Loan | LoanPayment, bool]:
    data = asked(data=request.data)
    data.is_valid(raise_exception=True)
    found = LoanRequest.objects.filter(pk=request_id).first()
    if found is None:
        raise Http404
    try:
        return service(request=found, **data.validated_data)
    except book.WrongState as error:
        raise Conflict(str(error)) from None
