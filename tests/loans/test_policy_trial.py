"""A policy tried on past requests, and a challenger behind live ones."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import InternalError, transaction

from audit.models import Entry
from loans import tasks
from loans.models import CreditDecision, PolicyTrial, PolicyVersion, ShadowDecision
from loans.policy import control
from loans.policy.shadow import compared, shadow_decisions
from loans.policy.trial import run_trial
from tasks.models import Task
from tests import makers
from tests.loans.policies import approved, ask, by, draft, reviewer, rule
from tests.processes import eventually

pytestmark = pytest.mark.django_db


def past_requests(user):
    """One of a known borrower, who is approved, and three of people nobody knows."""
    return [ask(user, amount=20_000), *[ask(amount=amount) for amount in (10_000, 50_000, 120_000)]]


def test_a_trial_says_who_flips_and_what_it_would_cost(known_borrower):
    answers = past_requests(known_borrower.user)
    row = draft(reviewer(), approve_from=100, approve_from_application=100)
    trial = run_trial(policy_id=row.pk, loss_given_default=0.5)
    report = trial.report
    was = [answer.decision for answer in answers]
    approved_before = [one for one in was if one.outcome == "approved"]
    assert report["decided"]["requests"] == report["tried"]["requests"] == 4
    assert report["decided"]["outcomes"]["approved"] == len(approved_before)
    expected = sum(one.default_probability * float(one.loan_request.requested_amount) * 0.5 for one in approved_before)
    assert report["decided"]["expected_loss"] == round(expected, 2)
    flipped = {str(one.loan_request_id) for one in approved_before if one.final_credit_score < 100}
    assert {one["request"] for one in trial.flips} == flipped
    assert all((one["from"], one["to"]) == ("approved", "review") for one in trial.flips)
    assert set(report["by_card"]) == {"application", "behaviour"}
    assert report["by_card"]["behaviour"]["decided"]["requests"] == 1
    row.refresh_from_db()
    assert (row.status, row.tried_at is not None) == ("tried", True)


def test_a_trial_of_the_same_policy_flips_nobody(known_borrower):
    past_requests(known_borrower.user)
    trial = run_trial(policy_id=PolicyVersion.objects.get(version="1.0").pk)
    assert trial.flips == [] and trial.report["moves"] == []
    assert trial.report["decided"] == trial.report["tried"]
    assert PolicyVersion.objects.get(version="1.0").status == "active"


def test_a_new_rule_is_measured_as_of_each_past_request():
    for _ in range(3):
        ask(device="device-0001")
    rows = list(CreditDecision.objects.order_by("id"))
    from datetime import timedelta

    from loans.models import LoanRequest

    for number, one in enumerate(rows):
        LoanRequest.objects.filter(pk=one.loan_request_id).update(
            created_at=one.loan_request.created_at + timedelta(seconds=number)
        )
    rules = [rule("device", "velocity", {"subject": "device", "window_s": 60, "from": 2}, 0.9)]
    trial = run_trial(policy_id=draft(reviewer(), rules=rules).pk)
    assert (trial.report["decided"]["flags"], trial.report["tried"]["flags"]) == ({}, {"device": 1})


def test_reports_stay_as_they_are():
    trial = run_trial(policy_id=draft(reviewer()).pk)
    with pytest.raises(InternalError), transaction.atomic():
        PolicyTrial.objects.filter(pk=trial.pk).update(report={})


def test_the_command_tells_the_same(known_borrower):
    past_requests(known_borrower.user)
    draft(reviewer(), max_amount=1)
    out = StringIO()
    call_command("try_policy", "2.0", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["flips"] == PolicyTrial.objects.get().flips and told["tried"]["outcomes"]["approved"] == 0
    assert Entry.objects.get(action="policy_tried").actor == "command:try_policy"


@pytest.mark.django_db(transaction=True)
def test_a_trial_runs_in_a_worker_with_progress_and_a_second_wish_joins_it(processes):
    person = reviewer()
    ask()
    row = draft(person)
    with by(person):
        first = control.request_trial(policy_id=row.pk, reason="look")
        assert control.request_trial(policy_id=row.pk) == first
    processes.worker()
    eventually(lambda: PolicyTrial.objects.exists(), log=processes.log)
    eventually(lambda: Task.objects.get(pk=first).status == "completed", log=processes.log)
    trial, task = PolicyTrial.objects.get(), Task.objects.get(pk=first)
    assert (str(trial.task_id), trial.asked_by, task.progress) == (first, person, 100)
    assert task.result["trial_id"] == str(trial.pk)
    row.refresh_from_db()
    assert row.status == "tried"


class TestChallenger:
    def challenger(self, **changes):
        row = approved(**changes)
        with by(reviewer()):
            return control.start_challenger(policy_id=row.pk, reason="see")

    def test_it_decides_behind_what_was_asked_since_it_began(self, known_borrower):
        before = ask(known_borrower.user)
        row = self.challenger(max_amount=1)
        PolicyVersion.objects.filter(pk=row.pk).update(challenger_since=before.decision.created_at)
        after = ask(known_borrower.user)
        assert after.decision.policy_version == "1.0" and not ShadowDecision.objects.exists()
        assert shadow_decisions() == {"decided": 2, "unreadable": 0}  # of one transaction, so of one moment
        shadow = ShadowDecision.objects.get(decision=after.decision)
        assert (shadow.outcome, shadow.agrees, shadow.policy) == ("review", False, row)
        assert shadow.final_credit_score == after.decision.final_credit_score
        assert shadow_decisions() == {"decided": 0, "unreadable": 0}
        assert compared(row) == {
            "requests": 2,
            "agreed": 0,
            "agreement": 0.0,
            "moves": [{"from": "approved", "to": "review", "requests": 2}],
        }

    def test_it_is_told_to_nobody_outside(self, known_borrower):
        self.challenger(max_amount=1)
        client = makers.client(known_borrower.user)
        body = client.post("/api/v1/loans/request", {"requested_amount": 1_000, "purpose": "x"}, format="json").json()
        shadow_decisions()
        assert body["credit_decision"]["policy_decision"]["policy_version"] == "1.0"
        detail = client.get(f"/api/v1/loans/{body['loan_request']['id']}").json()
        assert detail["credit_decision"] == body["credit_decision"]

    def test_a_new_challenger_takes_the_place_of_the_old_and_an_activated_one_is_none(self):
        first, second = self.challenger(version="2.0"), self.challenger(version="3.0")
        first.refresh_from_db()
        assert (first.is_challenger, second.is_challenger) == (False, True)
        with by(reviewer()):
            control.activate_policy(policy_id=second.pk, reason="better")
        assert not PolicyVersion.objects.filter(is_challenger=True).exists()
        assert shadow_decisions() == {"decided": 0, "unreadable": 0}

    def test_a_draft_cannot_challenge(self):
        row = draft(reviewer())
        with by(reviewer()), pytest.raises(control.WrongState):
            control.start_challenger(policy_id=row.pk, reason="now")

    def test_the_task_runs_every_minute(self):
        from tasks.definitions import periodic_tasks

        [found] = [one for one in periodic_tasks() if one.task.name == "loans.run_challenger"]
        assert found.task is tasks.run_challenger
