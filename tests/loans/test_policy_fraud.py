"""What each kind of rule finds, in rows, for a request that comes now and for a past one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as some

from loans.models import Borrower, Loan, LoanRequest
from loans.policy.facts import Asked, measure_then
from loans.policy.fraud import KINDS, Facts, Measure, Rule, RuleSet, checked_limits, judge_fraud
from loans.policy.shipped import FIRST, SECOND
from loans.policy.wording import found_in_words, said
from loans.scorecard import Reason
from tests import makers
from tests.loans.policies import activated, ask, rule

REASON = Reason("F", "f")
FACTS = Facts(Decimal(100), 400.0, None)


def one_rule(kind, limits):
    return RuleSet("x", (Rule("it", kind, checked_limits(kind, limits), 0.5, REASON),))


@pytest.mark.parametrize(
    ("kind", "limits", "facts", "raised"),
    [
        ("amount_over_history", {"factor": 10}, {"largest_past_amount": Decimal(10)}, False),
        ("amount_over_history", {"factor": 10}, {"largest_past_amount": Decimal("9.99")}, True),
        ("amount_over_history", {"factor": 10}, {"largest_past_amount": None}, False),
        ("new_account_amount", {"days": 1, "amount": 50}, {"account_age_days": 0.5}, True),
        ("new_account_amount", {"days": 1, "amount": 100}, {"account_age_days": 0.5}, False),
        ("new_account_amount", {"days": 1, "amount": 50}, {"account_age_days": 1.0}, False),
        ("loans_out_of_order", {}, {"loans_out_of_order": 1}, True),
        ("velocity", {"subject": "ip", "window_s": 60, "from": 2}, {"measures": {"requests:ip:60": 2}}, True),
        ("velocity", {"subject": "ip", "window_s": 60, "from": 2}, {"measures": {"requests:ip:60": 1}}, False),
        ("velocity", {"subject": "phone", "window_s": 60, "from": 2}, {"measures": {"requests:phone:60": None}}, False),
        ("device_in_two_places", {"window_s": 60}, {"measures": {"networks:device:60": 1}}, True),
        ("request_while_pending", {"window_s": 60}, {"measures": {"pending:borrower:60": 0}}, False),
    ],
)
def test_a_rule_is_raised_at_its_limit(kind, limits, facts, raised):
    known = {"requested_amount": Decimal(100), "account_age_days": 400.0, "largest_past_amount": None, **facts}
    assert judge_fraud(Facts(**known), one_rule(kind, limits)).flags == (("it",) if raised else ())


@given(some.lists(some.floats(0.01, 1), max_size=6))
def test_the_score_is_what_the_weights_leave_of_innocence(weights):
    rules = [Rule(str(n), "loans_out_of_order", {}, weight, REASON) for n, weight in enumerate(weights)]
    verdict = judge_fraud(Facts(Decimal(1), 1.0, None, loans_out_of_order=1), RuleSet("x", tuple(rules)))
    innocent = 1.0
    for weight in weights:
        innocent *= 1 - weight
    assert verdict.score == round(1 - innocent, 4) and len(verdict.flags) == len(weights)
    assert 0 <= verdict.score <= 1


def test_a_rule_that_is_off_is_not_looked_at():
    off = Rule("it", "loans_out_of_order", {}, 0.5, REASON, enabled=False)
    facts = Facts(Decimal(1), 1.0, None, loans_out_of_order=1)
    assert judge_fraud(facts, RuleSet("x", (off,))).flags == ()
    assert RuleSet("x", (off,)).measures() == []


@pytest.mark.parametrize("policy", [FIRST, SECOND])
def test_the_shipped_rules_have_limits_that_fit_their_kinds(policy):
    for one in policy.rule_set.rules:
        assert checked_limits(one.kind, one.limits) == one.limits, one.name
    assert {one.kind for one in SECOND.rule_set.rules} == set(KINDS)


def test_facts_are_the_same_after_storing():
    facts = Facts(Decimal("12000.50"), 1.25, Decimal("3"), 1, {"requests:ip:60": None})
    assert Facts.from_dict(facts.as_dict()) == facts


@pytest.mark.django_db
class TestCounting:
    def flags(self, *rules):
        activated("2.0", rules=list(rules))
        return lambda *args, **kwargs: ask(*args, **kwargs).decision.fraud_flags

    def test_requests_from_one_address_are_counted_over_borrowers(self):
        flags = self.flags(rule("ip", "velocity", {"subject": "ip", "window_s": 60, "from": 2}))
        assert [flags() for _ in range(3)] == [[], [], ["ip"]]
        assert flags(ip="198.51.100.8") == []
        assert flags(ip=None) == []

    def test_other_borrowers_with_the_same_phone_are_counted(self):
        flags = self.flags(rule("phone", "shared", {"subject": "phone", "window_s": 60, "from": 1}))
        first = makers.user(phone="+12025550100")
        assert flags(first) == flags(first) == []
        type(first).objects.filter(pk=first.pk).update(phone=None)
        assert flags(makers.user(phone="+12025550100")) == ["phone"]
        assert flags(makers.user()) == []

    def test_other_borrowers_on_the_same_device_are_counted(self):
        flags = self.flags(rule("device", "shared", {"subject": "device", "window_s": 60, "from": 2}))
        assert [flags(device="device-0001") for _ in range(3)] == [[], [], ["device"]]
        assert flags(device="device-0002") == []

    @pytest.mark.parametrize(
        ("here", "there", "raised"),
        [
            ("198.51.100.1", "198.51.200.9", False),
            ("198.51.100.1", "203.0.113.1", True),
            ("2001:db8::1", "2001:db8:ffff::1", False),
            ("2001:db8::1", "2001:db9::1", True),
            ("2001:db8::1", "203.0.113.1", True),
        ],
    )
    def test_a_device_in_another_network_a_moment_ago_is_in_two_places(self, here, there, raised):
        flags = self.flags(rule("places", "device_in_two_places", {"window_s": 60}))
        assert flags(ip=there, device="device-0001") == []
        assert flags(ip=here, device="device-0001") == (["places"] if raised else [])

    def test_a_request_while_another_waits_for_a_reviewer(self):
        flags = self.flags(rule("waits", "request_while_pending", {"window_s": 60}))
        user = makers.user()
        assert flags(user) == []
        LoanRequest.objects.update(status="approved")
        assert flags(user) == []
        LoanRequest.objects.update(status="pending")
        assert flags(user) == ["waits"] and flags(makers.user()) == []

    @pytest.mark.parametrize(("days", "outcome", "raised"), [(3, "repaid", True), (-30, "repaid", False)])
    def test_a_loan_repaid_before_it_was_granted_is_out_of_order(self, days, outcome, raised):
        flags = self.flags(rule("order", "loans_out_of_order", {}))
        borrower = Borrower.objects.create(user=makers.user())
        Loan.objects.create(
            borrower=borrower, external_ref="l", granted_date=timezone.now().date() + timedelta(days=days),
            amount=5, term_months=3, monthly_payment=2, outcome=outcome,
        )  # fmt: skip
        assert flags(borrower.user) == (["order"] if raised else [])

    def test_a_past_request_is_measured_as_of_its_moment(self):
        user = makers.user()
        requests = [ask(user, device="device-0001").request for _ in range(4)]
        measures = [Measure("requests", subject, 3600) for subject in ("borrower", "device", "ip")]
        for number, row in enumerate(requests):  # of one transaction, so of one moment: tell them apart
            moment = timezone.now() - timedelta(minutes=10 - number)
            LoanRequest.objects.filter(pk=row.pk).update(created_at=moment)
        for number, row in enumerate(LoanRequest.objects.order_by("created_at")):
            asked = Asked(row.borrower_id, row.requested_amount, row.ip, None, row.device_hash, row.created_at, row.pk)
            assert set(measure_then(asked, measures).measures.values()) == {number}

    def test_a_crowd_behind_one_address_is_counted_up_to_a_bound(self):
        user = makers.user()
        row = ask(user).request
        many = [
            LoanRequest(
                borrower=row.borrower, requested_amount=1, purpose="x", term_months=3, status="declined", ip=row.ip
            )
            for _ in range(250)
        ]
        LoanRequest.objects.bulk_create(many)
        assert ask(user).decision.inputs["fraud_facts"]["measures"]["requests:borrower:3600"] == 200


def test_every_shipped_rule_and_what_it_finds_is_said_in_words():
    found = {
        "velocity": {"requests": 5, "subject": "ip", "window_s": 60},
        "amount_over_history": {"requested_amount": "9000", "largest_past_amount": "100"},
        "new_account_amount": {"account_age_days": 0.5, "requested_amount": "9000"},
    }
    for one in SECOND.rule_set.rules:
        assert "{" not in said(one.kind, one.limits), one.kind
    assert {one.kind for one in SECOND.rule_set.rules} == set(KINDS)
    assert [found_in_words(one) for one in found.values()] == [
        "5 requests",
        "9,000.00, before at most 100.00",
        "9,000.00, an account of 12 h",
    ]
