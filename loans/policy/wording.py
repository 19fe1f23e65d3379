"""Fraud rules, and what they found, in words for people who look after them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from base.panels import lasting

SAME = {"borrower": "by the borrower", "phone": "from the phone", "device": "from the device", "ip": "from the address"}
WITH = {"phone": "with the same phone", "device": "with the same device", "ip": "from the same address"}
COUNTED = {
    "requests": "requests",
    "borrowers": "other borrowers",
    "pending": "requests in review",
    "networks": "other networks",
    "loans": "loans",
}


def said(kind: str, limits: Mapping[str, Any]) -> str:
    """When a rule raises its flag. A kind that is no longer known is shown as it is stored."""
    span = lasting(timedelta(seconds=limits["window_s"])) if "window_s" in limits else ""
    if kind == "velocity":
        return f"{limits['from']} or more requests {SAME[limits['subject']]} in the {span} before"
    if kind == "shared":
        return f"{limits['from']} or more other borrowers {WITH[limits['subject']]} in the {span} before"
    if kind == "amount_over_history":
        return f"more than {limits['factor']} times the largest amount the borrower ever had"
    if kind == "new_account_amount":
        age = lasting(timedelta(days=limits["days"]))
        return f"more than {float(limits['amount']):,.2f} from an account younger than {age}"
    if kind == "request_while_pending":
        return f"another request of the borrower, {span} old at most, is in review"
    if kind == "device_in_two_places":
        return f"the device was in another network in the {span} before"
    if kind == "loans_out_of_order":
        return "a past loan was repaid before it was granted, or granted before the customer came"
    if kind == "anomaly":
        return f"an anomaly score from {limits['from']:g} on"
    return f"{kind} {dict(limits)}"


def found_in_words(found: Mapping[str, Any]) -> str:
    """The values that broke a rule, as a decision keeps them."""
    counted = [f"{found[name]:,} {what}" for name, what in COUNTED.items() if name in found]
    if counted:
        return counted[0]
    if "account_age_days" in found:
        age = lasting(timedelta(days=found["account_age_days"]))
        return f"{float(found['requested_amount']):,.2f}, an account of {age}"
    if "largest_past_amount" in found:
        return f"{float(found['requested_amount']):,.2f}, before at most {float(found['largest_past_amount']):,.2f}"
    if "score" in found:
        return f"score {found['score']:.4g}, distance {found['distance']:.3g}"
    return ", ".join(f"{name} {value}" for name, value in found.items())
