"""What one loan request may ask of the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import makers

ASKED = {"requested_amount": 12000, "purpose": "business_expansion"}
BUDGET = 12  # statements, the login's and savepoints included, beside BEGIN and COMMIT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("amount", [12_000, 2_000_000], ids=["approved", "not approved"])
def test_a_request_stays_within_its_statements(known_borrower, redis, amount):
    client = makers.client(known_borrower.user)
    client.post("/api/v1/loans/request", ASKED, format="json")
    with CaptureQueriesContext(connection) as asked:
        answer = client.post("/api/v1/loans/request", ASKED | {"requested_amount": amount}, format="json")
    assert answer.status_code == 201
    statements = [query["sql"] for query in asked if query["sql"] not in ("BEGIN", "COMMIT")]
    assert len(statements) <= BUDGET, "\n".join(statement[:120] for statement in statements)
