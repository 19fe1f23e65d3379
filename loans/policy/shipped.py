"""The policies that come with the code, as rows. 1.0 decides from the start; 1.1 waits to be tried and approved."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loans.policy.fraud import Rule, RuleSet
from loans.rules import Policy
from loans.scorecard import Reason

RECENT_REQUESTS = Reason("F01", "Number of recent credit applications")
UNVERIFIED = Reason("F02", "Unable to verify application information")
AMOUNT_HISTORY = Reason("F03", "Amount requested is out of proportion to past borrowing")
NEW_CUSTOMER = Reason("F04", "Length of relationship is too short for the amount requested")
HOUR, DAY = 3_600, 86_400

FIRST_RULES = (
    Rule(
        "velocity_borrower_1h", "velocity", {"subject": "borrower", "window_s": HOUR, "from": 3}, 0.65, RECENT_REQUESTS
    ),
    Rule(
        "velocity_borrower_24h", "velocity", {"subject": "borrower", "window_s": DAY, "from": 6}, 0.45, RECENT_REQUESTS
    ),
    Rule("velocity_ip_1h", "shared", {"subject": "ip", "window_s": HOUR, "from": 4}, 0.60, UNVERIFIED),
    Rule("amount_over_history", "amount_over_history", {"factor": "10"}, 0.35, AMOUNT_HISTORY),
    Rule("new_account_large_amount", "new_account_amount", {"days": 1.0, "amount": "100000"}, 0.35, NEW_CUSTOMER),
)
MORE_RULES = (
    Rule("shared_phone_24h", "shared", {"subject": "phone", "window_s": DAY, "from": 1}, 0.60, UNVERIFIED),
    Rule("shared_device_24h", "shared", {"subject": "device", "window_s": DAY, "from": 2}, 0.60, UNVERIFIED),
    Rule("velocity_device_1h", "velocity", {"subject": "device", "window_s": HOUR, "from": 5}, 0.50, RECENT_REQUESTS),
    Rule("request_while_pending", "request_while_pending", {"window_s": 30}, 0.35, RECENT_REQUESTS),
    Rule("device_in_two_places", "device_in_two_places", {"window_s": 600}, 0.40, UNVERIFIED),
    Rule("loans_out_of_order", "loans_out_of_order", {}, 0.60, UNVERIFIED),
)
THRESHOLDS: dict[str, Any] = {
    "approve_from": 70,
    "approve_from_application": 75,  # without behaviour: 70 would fall on a bin with 9 % bad loans
    "review_from": 50,
    "fraud_review_from": 0.60,
    "low_risk_below": 0.05,
    "high_risk_from": 0.15,
}
FIRST = Policy("1.0", **THRESHOLDS, rule_set=RuleSet("1.0", FIRST_RULES))
SECOND = Policy(
    "1.1",
    **THRESHOLDS,
    rule_set=RuleSet("1.1", FIRST_RULES + MORE_RULES),
    max_amount=Decimal("500000.00"),
    anomaly="v1",
    anomaly_from=0.99,
    anomaly_weight=0.30,
)
SHIPPED = (FIRST, SECOND)
