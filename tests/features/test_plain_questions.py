"""Questions that are plain: checked at once as the serializer would, and read in the round trip that looks who asks."""

import json

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from accounts.models import ApiKey
from accounts.people import issue_api_key, revoke_api_key
from base.roles import Role
from features.intake.ingest import ingest
from features.serializers import InferenceRequestSerializer
from features.serving.plain import plain_question
from features.values.materialize import refresh
from tests import makers

PATH = "/api/v1/features/inference"
texts = st.sampled_from(
    ["a", "plot_care", " a", "a\n", "", "ž", "x" * 101, "x" * 201, "\x00", "plot_care:litres", 1, None]
)
ages = st.sampled_from([0, 1, 10**9, -1, 10**9 + 1, True, 1.0, 1.5, "1", None])
values = {
    "feature_type": texts,
    "entity_id": texts,
    "feature_set": texts,
    "feature_version": texts,
    "features": st.lists(texts, max_size=3) | texts,
    "entity_ids": st.lists(texts, max_size=3) | texts,
    "max_age_s": ages,
    "if_older": st.sampled_from(["recompute", "refuse", "never", None]),
    "unknown": texts,
}
bodies = st.fixed_dictionaries({}, optional=values)


def asked(body):
    return plain_question(RequestFactory().post(PATH, json.dumps(body), content_type="application/json"))


@given(bodies)
def test_what_is_plain_is_what_the_serializer_would_make_of_it(body):
    question = asked(body)
    if question is not None:
        assert dict(InferenceRequestSerializer().run_validation(body)) == question


@pytest.mark.parametrize(
    "body",
    [
        {"feature_set": "plot_care", "entity_ids": ["a", "b"]},
        {"feature_set": "plot_care", "feature_version": "v1", "entity_ids": ["a"], "max_age_s": 60},
        {"feature_type": "plot_care:litres", "entity_id": "ž", "if_older": "refuse"},
        {"features": ["plot_care:litres", "plot_rows"], "entity_ids": ["a"] * 1_000},
    ],
)
def test_questions_of_every_shape_are_plain(body):
    assert asked(body) == body


def test_what_is_wrong_is_told_by_the_serializer():
    for body in ({"feature_set": "plot_care"}, {"features": ["a"], "entity_ids": ["b"], "feature_version": "v1"}):
        assert asked(body) is None
        with pytest.raises(ValidationError):
            InferenceRequestSerializer().run_validation(body)


@pytest.fixture
def key(db):
    return issue_api_key(username="till", role=Role.SERVICE)


@pytest.fixture
def ask(db, client, key):
    """By a key, as programs do; the first question notes that the key is in use."""

    def ask(body, key=key):
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
        return client.post(PATH, json.dumps(body), content_type="application/json", **bearer)

    ask({})
    return ask


ONE_SET = {"feature_set": "plot_care", "entity_ids": ["a", "nobody", "a"]}


@pytest.fixture
def plots(db):
    ingest([makers.watered("a", now=timezone.now(), litres=3)], refresh=False)
    refresh("plot", ["a"])


@pytest.mark.parametrize(
    "body",
    [
        ONE_SET,
        {"feature_type": "plot_care:litres", "entity_id": "a"},
        {"features": ["plot_care:litres", "plot_rhythm"], "entity_ids": ["a"]},
    ],
)
def test_a_plain_question_gets_the_answer_of_any_other(plots, ask, body):
    with_blanks = {name: f" {value}" if isinstance(value, str) else value for name, value in body.items()}
    other = {**with_blanks, "if_older": "refuse"} if with_blanks == body else with_blanks
    if isinstance(other.get("entity_ids"), list):
        other["entity_ids"] = [f"{entity_id} " for entity_id in other["entity_ids"]]
    assert asked(body) and asked(other) is None
    plain, slow = ask(body).json(), ask(other).json()
    for found in (plain, slow):
        _forget_ages(found)
    assert plain == slow | ({"feature_type": body["feature_type"]} if "feature_type" in body else {})


def _forget_ages(found):
    if isinstance(found, dict):
        found.pop("age_s", None)
        found.pop("as_of", None), found.pop("computed_at", None)
        for value in found.values():
            _forget_ages(value)
    elif isinstance(found, list):
        for value in found:
            _forget_ages(value)


def test_who_asks_and_what_is_stored_are_one_statement(plots, ask):
    with CaptureQueriesContext(connection) as asked_of_database:
        answer = ask({"feature_set": "plot_care", "entity_ids": ["a"]})
    assert answer.status_code == 200 and answer.json()["results"][0]["status"] == "PRESENT"
    assert len([query for query in asked_of_database if "EXECUTE" in query["sql"]]) == 1


def test_a_key_that_is_revoked_reads_nothing_from_then_on(plots, ask):
    assert ask(ONE_SET).status_code == 200
    revoke_api_key(key_id=ApiKey.objects.get().pk)
    answer = ask(ONE_SET)
    assert answer.status_code == 401 and "plot" not in answer.content.decode()


def test_a_user_of_another_role_is_refused_what_was_read_along(plots, ask):
    answer = ask(ONE_SET, key=issue_api_key(username="stranger", role=Role.CLIENT))
    assert answer.status_code == 403 and "results" not in answer.json()


def test_a_stranger_is_told_to_say_who_they_are_before_what_is_wrong(ask):
    for body in (ONE_SET, {"feature_set": "nothing", "entity_ids": ["a"]}, {"features": ["?"], "entity_ids": ["a"]}):
        assert ask(body, key="mlr_unknown").status_code == 401


def test_an_unknown_feature_is_told_as_ever(ask):
    answer = ask({"features": ["plot_care:nothing"], "entity_ids": ["a"]})
    assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"].startswith("#/features")
