"""Events in, over HTTP."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import Role
from base.throttles import ScopedThrottle
from features import serializers as s
from features.intake import cloudevents
from features.intake.ingest import store
from features.intake.plain import EventBatchParser, EventParser, EventsJSONParser
from tasks.serializers import task_links


class Events(APIView):
    """Take in raw events as CloudEvents: one, or an array of up to 10,000 in 5 MiB, stored in one transaction.

    Of an array the good events are stored and the others refused, each with its reasons: `verdicts` lists those
    known before and those rejected. When nothing of it can be stored the answer is 422, and 400 for a single event.
    """

    roles = {Role.SERVICE, Role.OPERATOR}
    parser_classes = [EventsJSONParser, EventParser, EventBatchParser]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "events"
    max_body_bytes = 5 * 1_048_576
    max_items = 500_000

    @extend_schema(
        tags=["events"],
        request={
            "application/cloudevents+json": s.CloudEventSerializer,
            "application/cloudevents-batch+json": s.CloudEventSerializer(many=True),
        },
        parameters=[
            OpenApiParameter("verdicts", str, enum=["all"], description="`all`: also list the events that were added")
        ],
        responses={202: s.IngestedSerializer},
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "verdicts"})
        everything = request.query_params.get("verdicts")
        if everything not in (None, "all"):
            raise ValidationError({"verdicts": ["May only be `all`."]})
        batch = cloudevents.read_batch(request.data, request.headers)
        done = store(batch.rows)
        verdicts = batch.verdicts(done, everything=bool(everything))
        body = {
            "accepted": done.accepted,
            "added": done.added,
            "rejected": len(batch.refused),
            "task_ids": done.task_ids,
            "verdicts": verdicts,
        }
        return Response(body, status=202, headers=task_links(done.task_ids[0]) if done.task_ids else None)
