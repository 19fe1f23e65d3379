"""Prometheus metrics of web processes; apps add collectors that read PostgreSQL at scrape time."""

import os

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.registry import Collector

_collectors: list[Collector] = []


def register_collector(collector: Collector) -> None:
    """Add a collector that looks at the database when scraped, so that every process tells the same truth."""
    _collectors.append(collector)


def metrics(request: HttpRequest) -> HttpResponse:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    shared = CollectorRegistry()
    for collector in _collectors:
        shared.register(collector)
    return HttpResponse(generate_latest(registry) + generate_latest(shared), content_type=CONTENT_TYPE_LATEST)
