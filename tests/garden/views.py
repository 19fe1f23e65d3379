"""What the garden shows over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from base.roles import Role


class Plots(APIView):
    roles = {Role.CLIENT}

    @extend_schema(responses={200: dict[str, int]}, tags=["garden"])
    def get(self, request):
        return Response({"plots": 1})
