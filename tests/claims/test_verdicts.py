"""Verdicts as they are read: the newest, the ones before it, and as ClaimReview."""

import json
import uuid

import pytest
from django.db import DatabaseError, transaction

from claims.claimreview import NAMES, RATINGS, claim_review
from claims.models import Claim, Label, Verdict, VerdictSentence
from claims.services import submit_claim
from claims.verification.asking import request_verification
from tasks.testing import run_due
from tests.claims.claimreview_schema import VALIDATOR

pytestmark = pytest.mark.django_db


def test_a_verdict_says_what_it_rests_on(api, verified):
    body = api.get(f"/api/v1/verdicts/{verified.pk}").json()
    verdict = verified.verdict
    assert (body["claim_id"], body["claim"], body["label"]) == (str(verified.pk), verified.text, verdict.label)
    assert body["confidence"] == verdict.confidence and body["model_versions"] == verdict.model_versions
    assert (body["corpora"], body["outdated"], body["previous"], body["flipped"]) == ({"nature": 1}, False, None, False)
    first = body["sentences"][0]
    assert first["text"] == "Aloe vera shortens the healing of burns." and first["rank"] == 1
    assert set(first["stance"]) == {"SUPPORTED", "REFUTED", "NOT_ENOUGH_INFO"}
    assert first["document"] | {"id": 0} == {
        "id": 0, "external_id": "aloe", "corpus": "nature", "title": "Aloe and burns", "url": "", "is_current": True,
    }  # fmt: skip
    assert set(body["stages"]) == {"retrieve", "rank", "judge", "aggregate"}


def test_before_the_verdict_the_answer_tells_of_the_run(api, claim, evidence):
    url = f"/api/v1/verdicts/{claim.pk}"
    never = api.get(url)
    assert (never.status_code, never.json()["detail"]) == (404, "This claim was not verified yet.")
    run, _ = request_verification(claim_id=claim.pk)
    waiting = api.get(url)
    assert (waiting.status_code, waiting["Content-Type"]) == (404, "application/problem+json")
    assert (waiting.json()["status"], waiting.json()["task_status"]) == (404, "pending")
    assert waiting["Location"] == waiting.json()["task"] == f"/api/v1/tasks/{run.task_id}"
    assert api.get(f"{url}/claimreview").json()["task_id"] == str(run.task_id)


def test_while_it_is_verified_again_the_old_verdict_stands(api, verified):
    run, _ = request_verification(claim_id=verified.pk)
    body = api.get(f"/api/v1/verdicts/{verified.pk}").json()
    assert body["run_id"] == str(verified.verdict_id) != body["verification"]["run_id"] == str(run.pk)
    assert body["verification"]["state"] == "pending"


def test_every_verdict_of_a_claim_is_kept(api, verified):
    first = verified.verdict_id
    request_verification(claim_id=verified.pk)
    run_due("default")
    newest = Claim.objects.get(pk=verified.pk).verdict_id
    listed = api.get(f"/api/v1/claims/{verified.pk}/verdicts").json()["results"]
    assert [one["run_id"] for one in listed] == [str(newest), str(first)]
    url = f"/api/v1/verdicts/{verified.pk}"
    now, then = api.get(url).json(), api.get(url, {"run": str(first)}).json()
    assert (now["run_id"], now["previous"]["run_id"], then["run_id"]) == (str(newest), str(first), str(first))
    assert then["sentences"] == now["sentences"]
    assert api.get(url, {"run": str(uuid.uuid4())}).status_code == 404
    assert api.get(url, {"run": "newest"}).status_code == 400


def test_what_a_verdict_says_never_changes(verified):
    for change in (
        lambda: Verdict.objects.update(label="REFUTED"),
        lambda: Verdict.objects.update(flipped=True),
        lambda: VerdictSentence.objects.update(text="No."),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_claimreview_is_what_readers_of_fact_checks_expect(api, client_user, evidence, settings):
    settings.SITE_URL = "https://facts.example.org"
    told = {"source_url": "https://example.org/p", "made_by": "A nurse", "made_at": "2025-03-01T10:00:00Z"}
    claim = submit_claim(by=client_user, text="Aloe vera shortens the healing of burns.", **told)
    request_verification(claim_id=claim.pk)
    run_due("default")
    answer = api.get(f"/api/v1/verdicts/{claim.pk}/claimreview")
    assert answer["Content-Type"] == "application/ld+json"
    body = json.loads(answer.content)
    VALIDATOR.validate(body)
    assert body["claimReviewed"] == claim.text
    assert body["url"] == f"https://facts.example.org/api/v1/verdicts/{claim.pk}/claimreview"
    assert body["itemReviewed"]["author"]["name"] == "A nurse"
    assert body["itemReviewed"]["appearance"]["url"] == "https://example.org/p"
    verdict = Claim.objects.get(pk=claim.pk).verdict
    assert body["reviewRating"]["ratingValue"] == RATINGS[Label(verdict.label)]
    cited = {one["identifier"] for one in body["citation"]}
    assert cited == set(verdict.sentences.filter(decided=True).values_list("document__external_id", flat=True))


def test_every_label_has_a_rating_and_a_name(verified):
    assert set(RATINGS) == set(NAMES) == set(Label)
    for label in Label:
        verified.verdict.label = label
        VALIDATOR.validate(json.loads(json.dumps(claim_review(verified, verified.verdict))))
    ratings = [RATINGS[label] for label in (Label.REFUTED, Label.DISPUTED, Label.SUPPORTED)]
    assert ratings == sorted(set(ratings))
