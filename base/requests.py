"""The metrics of HTTP requests, counted without looking their labels up anew each time."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django_prometheus.middleware import Metrics, PrometheusAfterMiddleware, PrometheusBeforeMiddleware
from django_prometheus.utils import Time, TimeSince


class Before(PrometheusBeforeMiddleware):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        metrics, started = self.metrics, Time()
        metrics.requests_total.inc()
        response = self.get_response(request)
        metrics.responses_total.inc()
        metrics.requests_latency_before.observe(TimeSince(started))
        return response


class After(PrometheusAfterMiddleware):
    """The same metrics as there."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        metrics, meta, method = self.metrics, request.META, self._method(request)
        for counter in _asked(metrics, method, self._transport(request)):
            counter.inc()
        if meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest":
            metrics.requests_ajax.inc()
        metrics.requests_body_bytes.observe(int(meta.get("CONTENT_LENGTH") or 0))
        started = request.prometheus_after_middleware_event = Time()  # type: ignore[attr-defined]
        response = self.get_response(request)
        charset = str(response.charset)
        *counters, latency = _answered(metrics, self._get_view_name(request), method, response.status_code, charset)
        for counter in counters:
            counter.inc()
        if response.streaming:
            metrics.responses_streaming.inc()
        else:
            metrics.responses_body_bytes.observe(len(response.content))
        latency.observe(TimeSince(started))
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        name, transport = self._get_view_name(request), self._transport(request)
        _viewed(self.metrics, name, self._method(request), transport).inc()

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        _rendered(self.metrics, str(response.template_name)).inc()
        return response


@cache
def _asked(metrics: Metrics, method: str, transport: str) -> tuple[Any, ...]:
    return metrics.requests_by_method.labels(method=method), metrics.requests_by_transport.labels(transport=transport)


@cache
def _viewed(metrics: Metrics, view: str, method: str, transport: str) -> Any:
    return metrics.requests_by_view_transport_method.labels(view=view, transport=transport, method=method)


@cache
def _rendered(metrics: Metrics, name: str) -> Any:
    return metrics.responses_by_templatename.labels(templatename=name)


@cache
def _answered(metrics: Metrics, view: str, method: str, status: int, charset: str) -> tuple[Any, ...]:
    """The counters, and last the histogram of how long it took."""
    return (
        metrics.responses_by_status.labels(status=str(status)),
        metrics.responses_by_status_view_method.labels(status=str(status), view=view, method=method),
        metrics.responses_by_charset.labels(charset=charset),
        metrics.requests_latency_by_view_method.labels(view=view, method=method),
    )
