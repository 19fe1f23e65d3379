"""Values made of policies' own tables name the rows and columns they come from."""

from datetime import timedelta

import pytest
from django.utils import timezone

from features.lineage.columns import Column, columns_of
from features.lineage.openlineage import definition_event
from features.services import lineage
from features.values.materialize import refresh
from policies.features import PolicyPayments, QuoteBinding
from tests.features.openlineage import check
from tests.makers import NOON
from tests.policies import makers as made

pytestmark = pytest.mark.django_db


def test_a_path_leads_to_the_column_of_the_last_table():
    assert columns_of(PolicyPayments, "user_failed_transaction_count") == [
        Column("policies_paymenttransaction", "attempted_at", "filter"),
        Column("policies_paymenttransaction", "status", "filter"),
        Column("policies_policy", "user_id", "entity"),
    ]


def test_an_expression_leads_to_every_column_in_it():
    read = columns_of(QuoteBinding, "quote_creation_to_binding_time")
    assert [column.name for column in read if column.use == "value"] == ["bound_at", "created_at"]


def test_a_users_value_names_their_payments():
    policy = made.policy()
    first = made.payment(policy, attempted_at=NOON + timedelta(hours=1), status="failed")
    last = made.payment(policy, attempted_at=NOON + timedelta(hours=2))
    made.payment(made.policy(), attempted_at=NOON)
    refresh("user", [str(policy.user_id)])
    found = lineage(PolicyPayments, str(policy.user_id))
    assert [row.id for row in found.seen.rows] == [str(first.pk), str(last.pk)]
    assert found.seen.exact and found.reproduction.reproduces is True
    assert [row.event_type for row in found.seen.rows] == ["failed", "succeeded"]


def test_the_tables_are_inputs():
    event = definition_event(PolicyPayments, now=timezone.now())
    check(event)
    tables = [each["name"].rpartition(".")[2] for each in event["inputs"]]
    assert tables == ["policies_paymenttransaction", "policies_policy"]
