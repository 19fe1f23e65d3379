"""From draft to active: states, two people, and races that the database decides."""

import pytest
from django.db import DatabaseError, IntegrityError, InternalError, connection, transaction

from audit.models import Entry
from loans.models import (
    CreditDecision,
    FraudRule,
    FraudRuleSet,
    LoanPayment,
    Notice,
    PolicyTrial,
    PolicyVersion,
    ReviewItem,
)
from loans.policy import control
from loans.policy.control import InvalidPolicy, NotYours, WrongState
from loans.policy.trial import run_trial
from tests import makers
from tests.features.test_races import in_threads
from tests.loans.policies import activated, approved, ask, by, draft, reviewer, rule

pytestmark = pytest.mark.django_db


def refused(store, error=DatabaseError):
    with pytest.raises(error) as caught, transaction.atomic():
        store()
    return str(caught.value)


def test_the_first_policy_is_active_and_the_second_waits():
    states = dict(PolicyVersion.objects.values_list("version", "status"))
    assert states == {"1.0": "active", "1.1": "draft"}


def test_a_policy_goes_from_draft_to_active_by_two_people_and_the_one_before_is_retired():
    row = activated("2.0", approve_from=80)
    assert (row.status, row.approve_from, row.author_id == row.approved_by_id) == ("active", 80, False)
    assert PolicyVersion.objects.get(version="1.0").status == "retired"
    actions = Entry.objects.filter(entity_type="lending_policy", entity_id=str(row.pk)).order_by("id")
    assert [one.action for one in actions] == ["policy_drafted", "policy_tried", "policy_approved", "policy_activated"]
    assert actions.last().metadata == {"version": "2.0", "reason": "go", "instead_of": ["1.0"]}


def test_the_next_request_is_decided_by_the_new_policy_in_every_process():
    assert ask().decision.policy_version == "1.0"
    activated("2.0", approve_from=99, approve_from_application=99)
    decision = ask().decision
    assert decision.policy_version == "2.0" and "99" in decision.reasons[0]


def test_a_retired_policy_can_be_brought_back():
    activated("2.0")
    with by(reviewer()):
        control.activate_policy(policy_id=PolicyVersion.objects.get(version="1.0").pk, reason="2.0 was wrong")
    assert ask().decision.policy_version == "1.0"
    assert PolicyVersion.objects.get(version="2.0").status == "retired"


def test_a_draft_cannot_be_approved_before_it_is_tried():
    row = draft(reviewer())
    with by(reviewer()), pytest.raises(WrongState, match="Only a tried policy can be approved; 2.0 is draft."):
        control.approve_policy(policy_id=row.pk, reason="trust me")
    assert not PolicyTrial.objects.exists()


def test_nobody_approves_their_own_and_the_database_agrees():
    author = reviewer()
    row = draft(author)
    run_trial(policy_id=row.pk)
    with by(author), pytest.raises(NotYours):
        control.approve_policy(policy_id=row.pk, reason="mine")
    rows = PolicyVersion.objects.filter(pk=row.pk)
    assert "policy_two_people" in refused(
        lambda: rows.update(status="approved", approved_by=author, approved_at="2026-01-01T00:00Z")
    )


@pytest.mark.parametrize("role", ["operator", "analyst", "auditor", "client", "service"])
def test_policies_are_the_work_of_reviewers(role):
    with by(makers.user(role)), pytest.raises(NotYours):
        control.draft_policy(version="2.0", based_on="1.0", changes={})


def test_nobody_in_particular_decides_nothing():
    with pytest.raises(NotYours):
        control.draft_policy(version="2.0", based_on="1.0", changes={})


@pytest.mark.parametrize(
    ("state", "rule_name"),
    [("tried", "policy_approved_tried"), ("active", "Invalid transition"), ("approved", "Invalid transition")],
)
def test_the_database_refuses_a_state_out_of_order(state, rule_name):
    row = draft(reviewer())
    assert rule_name in refused(lambda: PolicyVersion.objects.filter(pk=row.pk).update(status=state))


@pytest.mark.parametrize("change", [{"approve_from": 1}, {"version": "x"}, {"fraud_review_from": 1.0}, {"note": "x"}])
def test_contents_never_change(change):
    row = draft(reviewer())
    assert "Cannot update" in refused(lambda: PolicyVersion.objects.filter(pk=row.pk).update(**change), InternalError)


def test_rows_stay():
    assert "Cannot" in refused(lambda: PolicyVersion.objects.filter(version="1.1").delete())
    assert "Cannot" in refused(lambda: FraudRule.objects.update(weight=0.01))
    assert "Cannot" in refused(lambda: FraudRule.objects.all().delete())


@pytest.mark.parametrize("model", [PolicyVersion, FraudRuleSet, CreditDecision, Notice, ReviewItem, LoanPayment])
def test_tables_are_not_emptied(model):
    def truncate():
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {model._meta.db_table} CASCADE")

    assert "is kept" in refused(truncate)


def test_the_rules_of_a_policy_are_closed():
    rules = PolicyVersion.objects.get(version="1.0").rule_set
    fields = {"kind": "velocity", "limits": {}, "weight": 0.5, "reason_code": "F", "reason_text": "f"}
    assert "closed" in refused(lambda: FraudRule.objects.create(rule_set=rules, position=99, name="late", **fields))


def test_a_policy_begins_as_a_draft():
    base = PolicyVersion.objects.get(version="1.0")
    base.pk, base.version, base.status = None, "9.9", "retired"
    assert "Cannot insert" in refused(lambda: base.save(force_insert=True))


def test_only_one_policy_can_be_active():
    row = approved()
    assert "policy_one_active" in refused(
        lambda: PolicyVersion.objects.filter(pk=row.pk).update(status="active"), IntegrityError
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"approve_from": 101}, "approve_from"),
        ({"approve_from": 40}, "approve_from"),
        ({"review_from": -1}, "approve_from"),
        ({"low_risk_below": 0.9}, "high_risk_from"),
        ({"fraud_review_from": 0}, "fraud_review_from"),
        ({"anomaly_weight": 2}, "anomaly_weight"),
        ({"max_amount": 0}, "max_amount"),
        ({"scorecard": "v99"}, "scorecard"),
        ({"anomaly": "../../etc/passwd"}, "scorecard"),
    ],
)
def test_a_draft_that_cannot_decide_is_refused(changes, field):
    with pytest.raises(InvalidPolicy) as caught:
        draft(reviewer(), **changes)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "wrong",
    [
        rule("r", "sql", {"text": "DROP TABLE"}),
        rule("r", "velocity", {"subject": "shoe", "window_s": 60, "from": 1}),
        rule("r", "velocity", {"subject": "ip", "window_s": 60}),
        rule("r", "velocity", {"subject": "ip", "window_s": 60, "from": 0}),
        rule("r", "velocity", {"subject": "ip", "window_s": 60, "from": 101}),
        rule("r", "velocity", {"subject": "ip", "window_s": "60", "from": True}),
        rule("r", "shared", {"subject": "borrower", "window_s": 60, "from": 1}),
        rule("r", "amount_over_history", {"factor": "NaN"}),
        rule("r", "new_account_amount", {"days": 1, "amount": "-5"}),
        rule("r", "velocity", {"subject": "ip", "window_s": 60, "from": 1}, weight=1.5),
    ],
)
def test_a_rule_that_is_no_rule_is_refused(wrong):
    with pytest.raises(InvalidPolicy) as caught:
        draft(reviewer(), rules=[wrong])
    assert caught.value.field == "rules"
    assert not PolicyVersion.objects.filter(version="2.0").exists()


@pytest.mark.parametrize(
    ("code", "text"), [("F99", "Score below our policy"), ("F99", "Suspected fraud"), ("F01", "Something else")]
)
def test_a_rule_tells_no_borrower_of_policies_or_another_reasons_code(code, text):
    wrong = rule("r", "loans_out_of_order", {}) | {"reason_code": code, "reason_text": text}
    with pytest.raises(InvalidPolicy, match="r: "):
        draft(reviewer(), rules=[wrong])


def test_a_version_is_used_once():
    draft(reviewer())
    with pytest.raises(InvalidPolicy, match="2.0 already"):
        draft(reviewer())


class TestRaces:
    pytestmark = pytest.mark.django_db(transaction=True)

    def attempt(self, service, row, person):
        def run():
            with by(person):
                try:
                    return service(policy_id=row.pk, reason="race").status
                except (WrongState, NotYours) as error:
                    return str(error)

        return run

    def test_two_approvals_are_one(self, redis):
        row = draft(reviewer())
        run_trial(policy_id=row.pk)
        answers = in_threads(*[self.attempt(control.approve_policy, row, reviewer()) for _ in range(4)])
        assert answers.count("approved") == 1
        assert Entry.objects.filter(action="policy_approved").count() == 1

    def test_of_two_policies_activated_at_once_one_is_active_and_requests_go_on(self, redis):
        rows = [approved("2.0"), approved("3.0")]
        answers = in_threads(
            *[self.attempt(control.activate_policy, row, reviewer()) for row in rows],
            *[lambda: ask().decision.policy_version for _ in range(4)],
        )
        active = PolicyVersion.objects.get(status="active")
        assert active.version in ("2.0", "3.0") and "active" in answers[:2]
        assert set(answers[2:]) <= {"1.0", "2.0", "3.0"}
        assert ask().decision.policy_version == active.version
        assert PolicyVersion.objects.filter(status="retired", version="1.0").exists()

    def test_two_challengers_at_once_are_one(self, redis):
        rows = [approved("2.0"), approved("3.0")]
        in_threads(*[self.attempt(control.start_challenger, row, reviewer()) for row in rows])
        assert PolicyVersion.objects.filter(is_challenger=True).count() == 1


def test_a_request_costs_no_statement_more_to_know_its_policy():
    user, heard = makers.user(), []
    ask(user)

    def listen(execute, sql, params, many, context):
        heard.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        ask(user)
    assert sum("policyversion" in sql for sql in heard) == 0  # it is known: only the facts ask whether it still decides
    assert len(heard) - 2 <= 12, heard  # the savepoint of the test's own transaction is not a request's
