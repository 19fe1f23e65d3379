"""Claims over HTTP: what is taken, what is refused, and who sees what."""

import uuid

import pytest

from audit.models import Entry
from base.roles import Role
from claims.models import Claim, VerificationRun
from tasks.models import Task
from tests import makers

pytestmark = pytest.mark.django_db

URL = "/api/v1/claims/"
TOLD = {
    "text": "Oaks live for a thousand years.",
    "source_url": "https://example.org/oaks",
    "made_by": "A forester",
    "made_at": "2025-03-01T10:00:00Z",
}


def test_a_claim_is_kept_as_it_was_told(api, client_user):
    answer = api.post(URL, TOLD, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert {name: body[name] for name in TOLD} == TOLD
    assert (body["verdict"], body["verification"]) == (None, None)
    assert Claim.objects.get(pk=body["id"]).submitted_by == client_user
    assert Entry.objects.get(action="claim_submitted").entity_id == body["id"]
    assert api.get(f"{URL}{body['id']}").json() == body


@pytest.mark.parametrize(
    "change, pointer",
    [
        ({"text": ""}, "#/text"),
        ({"text": " \n "}, "#/text"),
        ({"text": "x" * 2_001}, "#/text"),
        ({"text": 7}, "#/text"),
        ({"text": None}, "#/text"),
        ({"text": "bell \x07"}, "#/text"),
        ({"source_url": "javascript:alert(1)"}, "#/source_url"),
        ({"source_url": "https://example.org/" + "x" * 1_000}, "#/source_url"),
        ({"made_by": "x" * 201}, "#/made_by"),
        ({"made_at": "yesterday"}, "#/made_at"),
        ({"made_at": "2999-01-01T00:00:00Z"}, "#/made_at"),
        ({"verdict": "SUPPORTED"}, "#/verdict"),
    ],
)
def test_what_is_no_claim_is_refused_by_name(api, change, pointer):
    answer = api.post(URL, TOLD | change, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    "body, status",
    [
        (b'{"text": "' + b"x" * 1_048_576 + b'"}', 413),
        (b'{"text": "' + b"x" * 1_000_000 + b'"}', 400),
        (b'{"text": "a\\u0000b"}', 400),
        (b'{"text": "a\\ud800b"}', 400),
        (b'{"text": "a\xff"}', 400),
        (b'{"text": "a", "text": "b"}', 400),
        (b"[]", 400),
        (b"", 400),
    ],
)
def test_bodies_that_nobody_sends_in_earnest_are_refused(api, body, status):
    answer = api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert not Claim.objects.exists()


def test_the_longest_claim_is_taken_in_any_script(api):
    text = "Δ本🙂x" * 500
    assert api.post(URL, {"text": text}, format="json").json()["text"] == text


def test_the_same_key_has_one_effect_and_one_answer(api):
    first = api.post(URL, TOLD, format="json", headers={"Idempotency-Key": "a"})
    second = api.post(URL, TOLD, format="json", headers={"Idempotency-Key": "a"})
    other = api.post(URL, TOLD | {"text": "Other."}, format="json", headers={"Idempotency-Key": "a"})
    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422)
    assert first.content == second.content and second["Idempotency-Replayed"] == "true"
    assert Claim.objects.count() == 1


def test_others_claims_look_like_none(claim):
    stranger = makers.client(makers.user())
    service = makers.client(makers.user("service"))
    for path in ("", "/verify", "/verdicts"):
        for caller in (stranger, service):
            ask = caller.post if path == "/verify" else caller.get
            assert ask(f"{URL}{claim.pk}{path}").status_code == 404, path
    for path in ("", "/claimreview"):
        assert stranger.get(f"/api/v1/verdicts/{claim.pk}{path}").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert not VerificationRun.objects.exists()


@pytest.mark.parametrize("role", [Role.ANALYST, Role.OPERATOR, Role.REVIEWER, Role.AUDITOR, Role.ADMIN])
def test_staff_see_all_claims(claim, role):
    staff = makers.client(makers.user(role))
    assert [one["id"] for one in staff.get(URL).json()["results"]] == [str(claim.pk)]
    assert staff.get(f"{URL}{claim.pk}").status_code == 200


def test_auditors_only_read(claim):
    auditor = makers.client(makers.user(Role.AUDITOR))
    assert auditor.post(URL, TOLD, format="json").status_code == 403
    assert auditor.post(f"{URL}{claim.pk}/verify").status_code == 403


def test_claims_are_listed_newest_first_by_pages(api):
    told = [api.post(URL, {"text": f"Claim {number}."}, format="json").json()["id"] for number in range(3)]
    first = api.get(URL, {"limit": 2}).json()
    second = api.get(first["next"]).json()
    assert [one["id"] for one in first["results"] + second["results"]] == told[::-1]
    assert second["next"] is None


def test_claims_are_found_by_what_became_of_them(api, verified):
    other = api.post(URL, TOLD, format="json").json()["id"]
    label = verified.verdict.label
    wrong = "REFUTED" if label != "REFUTED" else "SUPPORTED"

    def ids(**query):
        return {one["id"] for one in api.get(URL, query).json()["results"]}

    assert ids(verified="true") == ids(label=label) == ids(flipped="false") == {str(verified.pk)}
    assert ids(verified="false") == {other}
    assert ids(label=wrong) == ids(flipped="true") == set()


@pytest.mark.parametrize("query", ["?label=MAYBE", "?flipped=often", "?sort=text", "?limit=0", "?label=%00"])
def test_filters_that_mean_nothing_are_refused(api, query):
    assert api.get(URL + query).status_code == 400


def test_a_cursor_of_nowhere_is_refused(api):
    import base64

    cursor = base64.b64encode(b"p=tomorrow").decode()
    assert api.get(URL, {"cursor": cursor}).status_code == 404


def test_verify_answers_with_the_task_and_where_it_is_seen(api, claim, evidence):
    answer = api.post(f"{URL}{claim.pk}/verify")
    body = answer.json()
    task = Task.objects.get(pk=body["task_id"])
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/tasks/{task.pk}")
    assert (body["status"], body["claim_id"]) == ("pending", str(claim.pk))
    assert (task.name, task.subject_type, task.subject_id) == ("claims.verify_claim", "claim", str(claim.pk))
    assert api.get(answer["Location"]).json()["status"] == "pending"
    entry = Entry.objects.get(action="claim_verification_requested")
    assert entry.metadata["task_id"] == body["task_id"]


def test_the_second_ask_gets_the_run_that_is_under_way(api, claim, evidence):
    first, second = (api.post(f"{URL}{claim.pk}/verify", {}, format="json").json() for _ in range(2))
    assert (first["task_id"], first["run_id"]) == (second["task_id"], second["run_id"])
    assert Task.objects.filter(name="claims.verify_claim").count() == 1


def test_corpora_are_named_or_refused(api, claim, evidence):
    evidence(name="other")
    asked = api.post(f"{URL}{claim.pk}/verify", {"corpora": ["other"]}, format="json").json()
    assert VerificationRun.objects.get(pk=asked["run_id"]).only == ["other"]
    for bad in (["nowhere"], "nature", ["nature", 7.5, {}], ["a b"], [f"c{n}" for n in range(21)]):
        answer = api.post(f"{URL}{claim.pk}/verify", {"corpora": bad}, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"].startswith("#/corpora")


def test_without_evidence_nothing_can_be_verified(api, claim):
    assert api.post(f"{URL}{claim.pk}/verify").status_code == 409
    assert not Task.objects.exists()


def test_corpora_say_what_may_be_done_with_them(api, evidence):
    [corpus] = api.get("/api/v1/claims/corpora/").json()["results"]
    assert (corpus["name"], corpus["licence"], corpus["version"], corpus["document_count"]) == (
        "nature", "CC0 1.0", 1, 2)  # fmt: skip


def test_no_claim_at_all_is_not_found(api):
    assert api.get(f"{URL}{uuid.uuid4()}").status_code == 404
    assert api.get("/api/v1/verdicts/not-an-id").status_code == 404
