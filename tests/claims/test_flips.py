"""Evidence changes: what rests on it is verified again, and what flipped is seen."""

import threading
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from claims import judging, tasks
from claims.evidence.sources import Text
from claims.models import Claim, Corpus, Verdict, VerificationRun
from claims.services import submit_claim
from claims.verification import asking, outdated
from tasks.models import Task
from tasks.testing import run_due
from tests import makers
from tests.claims.conftest import BEES, CLAIM

pytestmark = pytest.mark.django_db
AGAINST = Text("aloe", "Aloe and burns", ("Aloe vera does not shorten the healing of burns.",))


@pytest.fixture
def judged(monkeypatch):
    """Labels by hand, as what the judge makes of a sentence is told elsewhere: `not` refutes, the rest supports."""
    judge = judging.aggregate

    def aggregate(stances):
        words = " ".join(stance.candidate.text for stance in stances).split()
        label = "REFUTED" if "not" in words else "SUPPORTED" if words else "NOT_ENOUGH_INFO"
        return replace(judge(stances), label=label, deciding=[0] if words else [])

    monkeypatch.setattr(judging, "aggregate", aggregate)


@pytest.fixture
def operator(db):
    return makers.client(makers.user("operator"))


def test_a_changed_corpus_makes_its_verdicts_outdated(api, verified, evidence):
    assert outdated.count_outdated() == 0
    evidence(AGAINST, BEES)
    assert outdated.count_outdated() == 1 == outdated.count_outdated("nature")
    assert api.get(f"/api/v1/verdicts/{verified.pk}").json()["outdated"] is True


def test_a_new_corpus_counts_for_those_who_look_everywhere(claim, evidence, client_user):
    narrow = submit_claim(by=client_user, text=CLAIM)
    asking.request_verification(claim_id=claim.pk)
    asking.request_verification(claim_id=narrow.pk, corpora=["nature"])
    run_due("default")
    evidence(name="other")
    with transaction.atomic():
        found = outdated.lock_outdated(None, after=None, limit=10)
    assert [one.pk for one, _ in found] == [claim.pk]
    assert (outdated.count_outdated("other"), outdated.count_outdated("nature")) == (1, 0)
    Corpus.objects.filter(name="other").update(is_active=False)
    assert outdated.count_outdated() == 0


def test_a_flip_shows_the_verdict_before_it_and_both_their_sentences(judged, api, verified, evidence):
    before = Claim.objects.get().verdict
    assert before.label == "SUPPORTED"
    evidence(AGAINST, BEES)
    call_command("reverify_claims")
    run_due("default", "low")
    body = api.get(f"/api/v1/verdicts/{verified.pk}").json()
    assert (body["label"], body["flipped"], body["cause"]) == ("REFUTED", True, "corpus_changed")
    assert (body["previous"]["label"], body["previous"]["run_id"]) == ("SUPPORTED", str(before.pk))
    assert (body["corpora"], body["outdated"]) == ({"nature": 2}, False)
    old = api.get(f"/api/v1/verdicts/{verified.pk}", {"run": str(before.pk)}).json()
    assert [one["text"] for one in old["sentences"] if one["decided"]] == [CLAIM]
    assert [one["document"]["is_current"] for one in old["sentences"] if one["decided"]] == [False]
    assert [one["id"] for one in api.get("/api/v1/claims/?flipped=true").json()["results"]] == [str(verified.pk)]


def test_what_stays_the_same_is_no_flip(judged, verified, evidence):
    evidence(BEES, Text("aloe", "Aloe and burns", (CLAIM,)))
    call_command("reverify_claims")
    run_due("default", "low")
    assert list(Verdict.objects.order_by("pk").values_list("label", "flipped")) == [("SUPPORTED", False)] * 2


def test_asking_twice_queues_nothing_twice(verified, evidence, capsys):
    evidence(AGAINST, BEES)
    call_command("reverify_claims", "--dry-run")
    call_command("reverify_claims", "--corpus", "nature")
    call_command("reverify_claims")
    assert capsys.readouterr().out.splitlines() == [
        "1 claims would be verified again", "1 claims queued for verification", "0 claims queued for verification"
    ]  # fmt: skip
    assert Task.objects.get(status="pending", name="claims.verify_claim").queue_name == "low"


def test_a_corpus_nobody_has_is_refused(evidence):
    with pytest.raises(CommandError, match="no corpus 'nowhere'"):
        call_command("reverify_claims", "--corpus", "nowhere")


def test_batches_leave_nobody_out(monkeypatch, evidence, client_user):
    monkeypatch.setattr(tasks, "BATCH", 2)
    claims = [submit_claim(by=client_user, text=f"{CLAIM} {number}") for number in range(5)]
    for one in claims:
        asking.request_verification(claim_id=one.pk)
    run_due("default")
    evidence(AGAINST, BEES)
    assert list(tasks.queue_outdated(None)) == [2, 4, 5]
    assert set(VerificationRun.objects.filter(status="pending").values_list("claim_id", flat=True)) == {
        one.pk for one in claims
    }


def test_operators_ask_over_http_and_requests_coalesce(operator, verified, evidence):
    url = "/api/v1/claims/reverify"
    evidence(AGAINST, BEES)
    looked = operator.post(url, {"dry_run": True}, format="json")
    assert (looked.status_code, looked.json()["claims"]) == (200, 1)
    first, second = (operator.post(url, {"corpus": "nature"}, format="json") for _ in range(2))
    assert (first.status_code, first.json()["claims"]) == (202, 1)
    assert first.json()["task_id"] == second.json()["task_id"] == first["Location"].rpartition("/")[2]
    run_due("low")
    assert Task.objects.get(pk=first.json()["task_id"]).result == {"corpus": "nature", "queued": 1}
    run = VerificationRun.objects.get(cause="corpus_changed")
    assert run.status == "completed"
    assert operator.post(url, {"corpus": "nowhere"}, format="json").status_code == 400
    assert makers.client(makers.user()).post(url, {}, format="json").status_code == 403


def test_whoever_asks_does_not_wait_behind_a_whole_corpus(verified, evidence):
    evidence(AGAINST, BEES)
    list(tasks.queue_outdated(None))
    queued = VerificationRun.objects.get(status="pending")
    asked, is_new = asking.request_verification(claim_id=verified.pk)
    queued.refresh_from_db()
    assert is_new and queued.status == "cancelled" == Task.objects.get(pk=queued.task_id).status
    assert Task.objects.get(pk=asked.task_id).queue_name == "default"
    run_due("default")
    assert outdated.count_outdated() == 0


def test_a_run_of_the_corpus_that_has_begun_is_the_answer(verified, evidence):
    evidence(AGAINST, BEES)
    list(tasks.queue_outdated(None))
    queued = VerificationRun.objects.get(status="pending")
    Task.objects.filter(pk=queued.task_id).update(status="processing", lease_until=timezone.now())
    assert asking.request_verification(claim_id=verified.pk) == (queued, False)


@pytest.mark.django_db(transaction=True)
def test_a_claim_somebody_is_asking_for_is_left_to_them(verified, evidence):
    """On two connections: the sweep passes by a claim that is locked."""
    evidence(AGAINST, BEES)
    asked, go_on, runs = threading.Event(), threading.Event(), []

    def ask():
        try:
            with transaction.atomic():
                runs.append(asking.request_verification(claim_id=verified.pk)[0])
                asked.set()
                go_on.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=ask)
    other.start()
    asked.wait(10)
    assert list(tasks.queue_outdated(None)) == []
    go_on.set()
    other.join()
    assert list(VerificationRun.objects.filter(status="pending").values_list("pk", flat=True)) == [runs[0].pk]
