"""Prometheus metrics of web processes; apps add collectors that read PostgreSQL at scrape time."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.registry import Collector

from base import context
from base.problems import problem_response

_collectors: list[Collector] = []


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    return context.current().ip in {"127.0.0.1", "::1"}


def register_collector(collector: Collector) -> None:
    """Add a collector that looks at the database when scraped, so that every process tells the same truth."""
    _collectors.append(collector)


def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever holds METRICS_TOKEN; without one, for this machine alone."""
    if not _may_scrape(request):
        return problem_response(request, 404, detail="There is nothing at this address.")
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    shared = CollectorRegistry()
    for collector in _collectors:
        shared.register(collector)
    return HttpResponse(generate_latest(registry) + generate_latest(shared), content_type=CONTENT_TYPE_LATEST)
