"""A verification from its request to its end, whatever ends it."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from audit.models import Entry
from claims import tasks
from claims.models import Claim, Corpus, Verdict, VerdictSentence, VerificationRun
from claims.services import submit_claim
from claims.verification import asking, following, stages, verdicts
from tasks.definitions import PermanentError, TemporaryError
from tasks.models import Attempt, Task
from tasks.services import cancel_task, retry_task
from tasks.sweep import drop_expired_results
from tasks.testing import advance, failing, run_due
from tests import makers
from tests.processes import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(claim, evidence):
    return asking.request_verification(claim_id=claim.pk)[0]


def ended(run):
    run.refresh_from_db()
    return run.status


def test_a_verification_ends_with_a_verdict_and_the_sentences_it_saw(run, claim):
    run_due("default")
    assert ended(run) == "completed"
    verdict = Verdict.objects.get()
    claim.refresh_from_db()
    assert (claim.verdict, verdict.run, verdict.previous, verdict.flipped) == (verdict, run, None, False)
    assert 0 <= verdict.confidence <= 1 and verdict.model_versions
    assert run.corpora == {"nature": 1} and set(run.stages) == {"retrieve", "rank", "judge", "aggregate"}
    sentences = list(verdict.sentences.select_related("document"))
    assert [one.rank for one in sentences] == list(range(1, len(sentences) + 1))
    assert all(one.document.sentences[one.position] == one.text for one in sentences)
    assert sentences[0].document.external_id == "aloe"
    assert Entry.objects.get(action="claim_verified").metadata["label"] == verdict.label


def test_the_result_names_the_verdict_and_goes_while_the_verdict_stays(run, claim, api):
    run_due("default")
    task = Task.objects.get(pk=run.task_id)
    assert task.result["verdict"] == f"/api/v1/verdicts/{claim.pk}" and task.result_ttl_s == 3600
    advance(timedelta(hours=2))
    drop_expired_results()
    task.refresh_from_db()
    assert (task.result, api.get(f"/api/v1/verdicts/{claim.pk}").status_code) == (None, 200)


def test_progress_goes_through_the_stages(claim, evidence):
    seen = []
    stages.run_stages(claim.text, {"nature": 1}, lambda percent, message: seen.append((percent, message)))
    assert [message.split()[0] for _, message in seen] == ["Retrieving", "Ranking", "Judging", "Aggregating"]
    assert [percent for percent, _ in seen] == sorted(percent for percent, _ in seen)
    assert seen[0][1] == "Retrieving evidence from 1 corpus"


def test_a_claim_that_nothing_is_about_has_not_enough_evidence(client_user, evidence):
    for text in ("Zyxgloth quombles frenetically.", "?!", "的", "a" * 2_000, "' OR 1=1; -- :* & | !"):
        claim = submit_claim(by=client_user, text=text)
        asking.request_verification(claim_id=claim.pk)
        run_due("default")
        verdict = Verdict.objects.get(claim=claim)
        assert (verdict.label, verdict.sentences.filter(decided=True).count()) == ("NOT_ENOUGH_INFO", 0), text


def test_a_run_looks_only_where_it_was_told_to(claim, evidence):
    evidence(name="other")
    run, _ = asking.request_verification(claim_id=claim.pk, corpora=["other"])
    run_due("default")
    run.refresh_from_db()
    assert run.corpora == {"other": 1}
    assert {one.document.corpus_id for one in run.verdict.sentences.select_related("document")} == {"other"}


def test_a_corpus_out_of_use_is_not_looked_into(run):
    Corpus.objects.update(is_active=False)
    run_due("default")
    assert Task.objects.get(pk=run.task_id).error_type.endswith("PermanentError")
    with pytest.raises(asking.NoEvidence):
        asking.request_verification(claim_id=run.claim_id)


def test_what_may_pass_is_tried_again(run):
    with failing(tasks.verify_claim, attempts=2, error=OperationalError("server closed the connection")):
        for _ in range(3):
            run_due("default")
            advance(timedelta(minutes=1))
    assert (ended(run), Attempt.objects.filter(task_id=run.task_id).count()) == ("completed", 3)
    assert Verdict.objects.count() == 1


@pytest.mark.parametrize(
    "error, attempts", [(PermanentError("the model is broken"), 1), (TemporaryError("the disk is away"), 3)]
)
def test_a_run_that_failed_says_why(run, api, error, attempts):
    with failing(tasks.verify_claim, attempts=3, error=error):
        for _ in range(3):
            run_due("default")
            advance(timedelta(minutes=1))
    url = f"/api/v1/claims/{run.claim_id}"
    assert api.get(url).json()["verification"]["state"] == "failed"  # seen at once, before the run is closed
    tasks.follow_runs.call()
    assert ended(run) == "failed" and str(error) in run.error
    assert Attempt.objects.filter(task_id=run.task_id).count() == attempts
    assert run.error == api.get(url).json()["verification"]["error"]


def test_a_cancelled_task_ends_its_run_and_a_new_one_may_begin(run, claim, api):
    cancel_task(task_id=run.task_id)
    assert api.get(f"/api/v1/verdicts/{claim.pk}").json()["task_status"] == "cancelled"
    again, is_new = asking.request_verification(claim_id=claim.pk)
    assert (ended(run), is_new) == ("cancelled", True)
    run_due("default")
    assert (ended(again), run.status) == ("completed", "cancelled")


def test_a_task_that_is_gone_ends_its_run(run):
    Task.objects.filter(pk=run.task_id).delete()
    assert following.close_ended() == 1
    assert (ended(run), run.error) == ("failed", "The task is gone.")


def test_runs_under_way_are_left_alone(run):
    assert following.close_ended() == 0
    assert ended(run) == "pending"


def test_a_failed_task_tried_again_by_staff_is_a_new_run(run, claim):
    with failing(tasks.verify_claim, error=PermanentError("no")):
        run_due("default")
    retried = retry_task(task_id=run.task_id)
    run_due("default")
    assert list(claim.runs.order_by("id").values_list("status", "task_id")) == [
        ("failed", run.task_id), ("completed", retried.pk)]  # fmt: skip


def test_a_deleted_claim_fails_for_good(run, claim):
    Claim.objects.all().delete()
    run_due("default")
    assert Task.objects.get(pk=run.task_id).status == "failed"
    assert not Verdict.objects.exists()


def test_an_ended_run_never_changes(run, claim):
    cancel_task(task_id=run.task_id)
    following.close_ended()
    outcome = stages.run_stages(claim.text, {"nature": 1}, lambda *_: None)
    with pytest.raises(verdicts.RunOver):
        verdicts.store_verdict(run, outcome, before_commit=lambda: None)
    with pytest.raises(Exception, match="ended_stays|Cannot update"), transaction.atomic():
        VerificationRun.objects.filter(pk=run.pk).update(status="completed")
    assert not Verdict.objects.exists()


def test_verdict_run_and_sentences_are_stored_together_or_not_at_all(run, claim):
    outcome = stages.run_stages(claim.text, {"nature": 1}, lambda *_: None)

    def lost():
        raise RuntimeError("the lease is lost")

    with pytest.raises(RuntimeError):
        verdicts.store_verdict(run, outcome, before_commit=lost)
    claim.refresh_from_db()
    assert (ended(run), claim.verdict) == ("pending", None)
    assert not Verdict.objects.exists() and not VerdictSentence.objects.exists()


def test_a_second_attempt_after_the_verdict_only_repeats_it(run):
    with failing(tasks.verify_claim, after=True):
        run_due("default")
        advance(timedelta(minutes=1))
        run_due("default")
    assert Task.objects.get(pk=run.task_id).result["run_id"] == str(run.pk)
    assert Verdict.objects.count() == 1


def test_the_database_refuses_a_second_run_under_way(run):
    with pytest.raises(IntegrityError), transaction.atomic():
        VerificationRun.objects.create(claim_id=run.claim_id, task_id=run.task_id)


@pytest.mark.django_db(transaction=True)
def test_however_many_ask_at_once_there_is_one_run(claim, evidence):
    together, answers = threading.Barrier(4), []

    def ask():
        try:
            together.wait(5)
            answers.append(asking.request_verification(claim_id=claim.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert len({run.pk for run, _ in answers}) == 1 and sorted(new for _, new in answers) == [False] * 3 + [True]
    assert Task.objects.filter(name="claims.verify_claim").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hundred_verifications_at_once_lose_nothing_even_when_a_worker_is_killed(processes, evidence, tmp_path):
    """The first worker dies when it has written a verdict and not yet committed it."""
    someone = makers.user()
    runs = [
        asking.request_verification(claim_id=submit_claim(by=someone, text=f"Aloe heals {n} burns.").pk)[0]
        for n in range(100)
    ]
    stop = {"MILLRACE_TEST_STOP": "before the fence=KILL", "MILLRACE_TEST_MARK": str(tmp_path / "mark")}
    processes.worker(TASK_LEASE_S="2", **stop)
    processes.worker(TASK_LEASE_S="2")
    processes.scheduler()
    eventually(lambda: not VerificationRun.objects.filter(status="pending").exists(), within_s=100, log=processes.log)
    assert set(VerificationRun.objects.values_list("status", flat=True)) == {"completed"}
    assert Verdict.objects.filter(run__in=runs).count() == 100 == Claim.objects.filter(verdict__isnull=False).count()
    assert (tmp_path / "mark").exists()
