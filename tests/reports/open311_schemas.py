"""JSON Schemas of GeoReport v2, written from the standard's tables; stricter than they are: no other keys.

Of the public schemas they keep that a text that may be missing is left out of answers to a POST and a token, not null.

Standard: https://wiki.open311.org/GeoReport_v2 and https://wiki.open311.org/Service_Discovery.
"""

from jsonschema import Draft202012Validator, FormatChecker

TEXT, MAYBE = {"type": "string"}, {"type": ["string", "null"]}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"}
DATATYPES = ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]


def closed(required, /, **properties):
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def many(item, **more):
    return {"type": "array", "items": item, **more}


SERVICES = many(
    closed(
        ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"],
        service_code=TEXT,
        service_name=TEXT,
        description=MAYBE,
        metadata={"type": "boolean"},
        type={"enum": ["realtime", "batch", "blackbox"]},
        keywords={"type": "string", "pattern": r"^[^,]+(, [^,]+)*$"},
        group=MAYBE,
    ),
    minItems=1,
)
DEFINITION = closed(
    ["service_code", "attributes"],
    service_code=TEXT,
    attributes=many(
        closed(
            ["variable", "code", "datatype", "required", "datatype_description", "order", "description"],
            variable={"type": "boolean"},
            code=TEXT,
            datatype={"enum": DATATYPES},
            required={"type": "boolean"},
            datatype_description=MAYBE,
            order={"type": "integer", "minimum": 1},
            description=MAYBE,
            values=many(closed(["key", "name"], key=TEXT, name=TEXT)),
        )
    ),
)
NOTES = many(closed(["datetime", "type", "description"], datetime=TIME, type=TEXT, description=MAYBE), minItems=1)
PHOTO = closed(
    ["media_url", "width", "height", "created_at"],
    media_url=TEXT,
    width={"type": "integer"},
    height={"type": "integer"},
    created_at=TIME,
)
EXTENDED = closed(
    ["severity", "channel", "confirmations", "photos"],
    severity=TEXT,
    channel=TEXT,
    confirmations={"type": "integer"},
    photos=many(PHOTO),
)
REQUESTS = many(
    closed(
        ["service_request_id", "status", "service_name", "service_code", "description", "requested_datetime"]
        + ["updated_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url"],
        service_request_id=TEXT,
        status={"enum": ["open", "closed"]},
        status_notes=MAYBE,
        service_name=TEXT,
        service_code=TEXT,
        description={"type": ["string", "null"], "maxLength": 4000},
        agency_responsible=MAYBE,
        service_notice=MAYBE,
        requested_datetime=TIME,
        updated_datetime=TIME,
        expected_datetime={"anyOf": [TIME, {"type": "null"}]},
        address=MAYBE,
        address_id=MAYBE,
        zipcode=MAYBE,
        lat={"type": "number"},
        long={"type": "number"},
        media_url={"type": ["string", "null"], "format": "uri"},
        extended_attributes=EXTENDED,
        notes=NOTES,
    ),
    maxItems=1000,
)
CREATED = many(
    {
        **closed([], service_request_id=TEXT, token=TEXT, service_notice=TEXT, account_id=TEXT),
        "oneOf": [{"required": ["service_request_id"]}, {"required": ["token"]}],
    },
    minItems=1,
    maxItems=1,
)
TOKEN = many(closed(["token"], service_request_id=TEXT, token=TEXT), minItems=1, maxItems=1)
ERRORS = many(closed(["code", "description"], code={"type": "integer"}, description=TEXT), minItems=1)
DISCOVERY = closed(
    ["changeset", "contact", "key_service", "endpoints"],
    changeset=TEXT,
    contact=TEXT,
    key_service=TEXT,
    endpoints=many(
        closed(
            ["specification", "url", "changeset", "type", "formats"],
            specification={"const": "http://wiki.open311.org/GeoReport_v2"},
            url=TEXT,
            changeset=TEXT,
            type={"enum": ["production", "test"]},
            formats=many({"enum": ["text/xml", "application/json"]}),
        )
    ),
)


def check(answer, schema):
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer)
