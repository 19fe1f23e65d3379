"""What OpenLineage 2-0-2 asks of an event and of the facets used here, as JSON Schema: its required keys and types."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
URI = {"type": "string", "format": "uri", "pattern": "^[a-z]+:"}


def thing(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def facet(name: str, required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    schema = {
        "type": "string",
        "pattern": rf"^https://openlineage\.io/spec/facets/\d-\d-\d/{name}\.json#/\$defs/{name}$",
    }
    return thing({"_producer": URI, "_schemaURL": schema} | required, optional)


TRANSFORMATION = thing(
    {"type": {"enum": ["DIRECT", "INDIRECT"]}}, {"subtype": TEXT, "description": TEXT, "masking": {"type": "boolean"}}
)
INPUT_FIELD = thing({"namespace": TEXT, "name": TEXT, "field": TEXT}, {"transformations": many(TRANSFORMATION)})
DATASET_FACETS = {
    "schema": facet(
        "SchemaDatasetFacet", {}, {"fields": many(thing({"name": TEXT}, {"type": TEXT, "description": TEXT}))}
    ),
    "columnLineage": facet(
        "ColumnLineageDatasetFacet",
        {"fields": {"type": "object", "additionalProperties": thing({"inputFields": many(INPUT_FIELD)})}},
    ),
    "symlinks": facet(
        "SymlinksDatasetFacet", {}, {"identifiers": many(thing({"namespace": TEXT, "name": TEXT, "type": TEXT}))}
    ),
    "documentation": facet("DocumentationDatasetFacet", {"description": TEXT}),
    "version": facet("DatasetVersionDatasetFacet", {"datasetVersion": TEXT}),
    "ownership": facet("OwnershipDatasetFacet", {}, {"owners": many(thing({"name": TEXT}, {"type": TEXT}))}),
}
JOB_FACETS = {
    "jobType": facet("JobTypeJobFacet", {"processingType": TEXT, "integration": TEXT}, {"jobType": TEXT}),
    "documentation": facet("DocumentationJobFacet", {"description": TEXT}),
}
RUN_FACETS = {"errorMessage": facet("ErrorMessageRunFacet", {"message": TEXT, "programmingLanguage": TEXT})}
DATASETS = many(thing({"namespace": TEXT, "name": TEXT}, {"facets": thing({}, DATASET_FACETS)}))
JOB = thing({"namespace": TEXT, "name": TEXT}, {"facets": thing({}, JOB_FACETS)})
RUN = thing({"runId": {"type": "string", "format": "uuid"}}, {"facets": thing({}, RUN_FACETS)})
EVENT = {"eventTime": TIME, "producer": URI, "schemaURL": URI, "job": JOB}
TYPES = ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
RUN_EVENT = thing(EVENT | {"run": RUN}, {"eventType": {"enum": TYPES}, "inputs": DATASETS, "outputs": DATASETS})
JOB_EVENT = thing(EVENT, {"inputs": DATASETS, "outputs": DATASETS})


def check(event: dict[str, Any]) -> None:
    """Raises for an event that is not as the specification wants it."""
    kind = event["schemaURL"].rpartition("/")[2]
    schema = {"RunEvent": RUN_EVENT, "JobEvent": JOB_EVENT}[kind]
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(event)
