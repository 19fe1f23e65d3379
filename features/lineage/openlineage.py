"""Runs and definitions as OpenLineage events: plain JSON of the specification's version 2-0-2.

A feature set is a dataset of its own, `model_features/<set>@<version>`, whose columns are its features; a symlink names
the table that keeps it. Its column lineage says which columns of which tables each feature is made of, and how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from features.definitions import FeatureSet, feature_sets
from features.lineage.columns import ENTITY, FILTER, VALUE, Column, columns_of_set
from features.models import FeatureValue, RawEvent
from tasks.definitions import registered
from tasks.models import Status, Task

PRODUCER = "urn:millrace"
SPEC = "https://openlineage.io/spec"
FACETS = {
    "schema": "1-2-0/SchemaDatasetFacet",
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
}
EXPORT = "features.export_events"
ENDS = {Status.COMPLETED: "COMPLETE", Status.FAILED: "FAIL", Status.CANCELLED: "ABORT"}
HOW = {ENTITY: ("INDIRECT", "GROUP_BY"), FILTER: ("INDIRECT", "FILTER")}


def run_event(task: Task, *, ended: bool) -> dict[str, Any]:
    """What a task's start or end says. The run is the task, so all of its attempts are one run."""
    at = task.completed_at if ended else task.started_at
    facets = {}
    if ended and task.status == Status.FAILED:
        error = f"{task.error_type}: {task.error_message}"
        facets["errorMessage"] = {"message": error, "programmingLanguage": "Python"}
    return {
        "eventType": ENDS[Status(task.status)] if ended else "START",
        "eventTime": _time(at or task.created_at),
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(task.pk), "facets": _facets(facets)},
        "job": _job(task.name, "TASK"),
        **(_exported() if task.name == EXPORT else _datasets(feature_sets(entity=task.kwargs.get("entity_type")))),
    }


def definition_event(*sets: type[FeatureSet], now: datetime) -> dict[str, Any]:
    """Definition ← columns, without any run."""
    return {
        "eventTime": _time(now),
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/JobEvent",
        "job": _job(", ".join(each.label() for each in sets), "DEFINITION"),
        **_datasets(sets),
    }


def _job(name: str, kind: str) -> dict[str, Any]:
    job_type = {"processingType": "BATCH", "integration": "MILLRACE", "jobType": kind}
    facets: dict[str, Any] = {"jobType": job_type}
    if definition := registered(name):
        facets["documentation"] = {"description": definition.func.__doc__ or ""}
    return {"namespace": settings.OPENLINEAGE_NAMESPACE, "name": name, "facets": _facets(facets, of="Job")}


def _datasets(sets: Sequence[type[FeatureSet]]) -> dict[str, Any]:
    read = {column for each in sets for columns in columns_of_set(each).values() for column in columns}
    return {"inputs": _inputs(read), "outputs": [_output(each) for each in sets]}


def _exported() -> dict[str, Any]:
    """Raw events, column by column, into the folder of the offline store."""
    table = RawEvent._meta.db_table
    fields = _fields(table, {str(field.column) for field in RawEvent._meta.concrete_fields})
    same = [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}]
    lineage = {
        field["name"]: {"inputFields": [_table(table) | {"field": field["name"], "transformations": same}]}
        for field in fields
    }
    facets: dict[str, dict[str, Any]] = {"schema": {"fields": fields}, "columnLineage": {"fields": lineage}}
    read = [Column(table, field["name"], VALUE) for field in fields]
    return {"inputs": _inputs(read), "outputs": [_files() | {"facets": _facets(facets)}]}


def _files() -> dict[str, str]:
    """The folder of exported events in the specification's convention for files and object stores."""
    scheme, _, path = settings.EXPORT_URL.rstrip("/").rpartition("://")
    if not scheme:
        return {"namespace": "file", "name": f"{path}/events"}
    bucket, _, key = path.partition("/")
    return {"namespace": f"{scheme}://{bucket}", "name": f"{key}/events".lstrip("/")}


def _inputs(read: Iterable[Column]) -> list[dict[str, Any]]:
    """The tables that are read, with the columns that are."""
    tables: dict[str, set[str]] = {}
    for column in read:
        tables.setdefault(column.table, set()).add(column.name)
    return [
        _table(table) | {"facets": _facets({"schema": {"fields": _fields(table, names)}})}
        for table, names in sorted(tables.items())
    ]


def _fields(table: str, names: set[str]) -> list[dict[str, str]]:
    [model] = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table]
    fields = [field for field in model._meta.concrete_fields if field.column in names]
    return [{"name": str(field.column), "type": str(field.db_type(connection))} for field in fields]


def _output(feature_set: type[FeatureSet]) -> dict[str, Any]:
    features = feature_set.features.items()
    lineage = {name: {"inputFields": _input_fields(columns)} for name, columns in columns_of_set(feature_set).items()}
    facets: dict[str, dict[str, Any]] = {
        "schema": {
            "fields": [
                {"name": n, "type": feature.data_type, "description": feature.description} for n, feature in features
            ]
        },
        "columnLineage": {"fields": lineage},
        "symlinks": {"identifiers": [_table(FeatureValue._meta.db_table) | {"type": "TABLE"}]},
        "documentation": {"description": " ".join((feature_set.__doc__ or "").split())},
        "version": {"datasetVersion": feature_set.checksum()},
        "ownership": {"owners": [{"name": feature_set.owner}] if feature_set.owner else []},
    }
    name = f"{FeatureValue._meta.db_table}/{feature_set.label()}"
    return {"namespace": settings.OPENLINEAGE_NAMESPACE, "name": name, "facets": _facets(facets)}


def _input_fields(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Each column once, with all that is done with it."""
    return [
        _table(table) | {"field": name, "transformations": [_transformation(column.use) for column in uses]}
        for (table, name), uses in groupby(columns, key=attrgetter("table", "name"))
    ]


def _transformation(use: str) -> dict[str, Any]:
    kind, subtype = HOW.get(use, ("DIRECT", "AGGREGATION"))
    return {"type": kind, "subtype": subtype, "masking": False}


def _table(table: str) -> dict[str, str]:
    """A table's name in the specification's convention for PostgreSQL."""
    database = connection.settings_dict
    host = database["HOST"] if database["HOST"] and not database["HOST"].startswith("/") else "localhost"
    return {
        "namespace": f"postgres://{host}:{database['PORT'] or 5432}",
        "name": f"{database['NAME']}.public.{table}",
    }


def _facets(facets: dict[str, dict[str, Any]], of: str = "") -> dict[str, dict[str, Any]]:
    """Each facet with who made it and by which schema."""
    named = {}
    for name, facet in facets.items():
        version, kind = FACETS[name].split("/")
        kind = kind.replace("Dataset", of) if of else kind
        named[name] = {
            "_producer": PRODUCER,
            "_schemaURL": f"{SPEC}/facets/{version}/{kind}.json#/$defs/{kind}",
        } | facet
    return named


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
