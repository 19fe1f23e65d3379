"""The OpenAPI schema is valid, complete, and the server keeps to it."""

import pytest
from openapi_spec_validator import validate

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(client):
    response = client.get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    assert response.status_code == 200
    return response.json()


def test_the_schema_is_valid_openapi_3_1(schema):
    assert schema["openapi"].startswith("3.1")
    validate(schema)


def test_every_operation_says_what_it_answers(schema):
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            answers = {code for code in operation["responses"] if code.startswith(("2", "3"))}
            assert answers, (path, method)
            errors = {"application/json", "text/xml"} if path.startswith("/open311/") else {"application/problem+json"}
            assert operation["responses"]["400"]["content"].keys() == errors


def test_the_schema_makes_no_noise(capfd):
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert "Error" not in capfd.readouterr().err


def test_the_docs_page_loads_nothing_from_elsewhere(client):
    answer = client.get("/api/v1/docs/")
    page = answer.content.decode()
    assert "unsafe-inline" not in answer["Content-Security-Policy"].split("style-src")[0]
    assert "swagger" in page.lower() and "https://" not in page.replace("https://swagger.io", "")
