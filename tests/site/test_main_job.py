"""The main job, end to end: request, decision at once, features behind it, served and shown."""

from datetime import timedelta

from django.utils import timezone

from loans.models import Borrower
from tests.loans.conftest import bank_history
from tests.processes import eventually


def test_one_loan_request_through_everything(site):
    site.serve()
    site.processes.worker(MILLRACE_DATA=str(site.folder))
    tokens = site.log_in("+12025550123")
    token, service, operator = tokens["access_token"], site.api_key("service"), site.api_key("operator")
    asked = {"requested_amount": 24000, "purpose": "business_expansion"}

    # The first request makes a borrower, and is decided without features.
    first = site.call("POST", "loans/request", token=token, json=asked)
    assert first.status_code == 201 and first.json()["background_task_queued"] is True
    assert first.json()["credit_decision"]["explanation"]["card"] == "application"
    borrower = first.json()["loan_request"]["borrower_id"]
    assert site.follow(first.json()["task_id"], token)["status"] == "completed"

    # The bank tells what it knows; a worker counts it.
    Borrower.objects.filter(pk=borrower).update(customer_since=timezone.now().date() - timedelta(days=800))
    events = [
        {
            "specversion": "1.0",
            "id": event.source_id,
            "source": "/bank",
            "type": event.event_type,
            "subject": event.entity_id,
            "time": event.event_time.isoformat(),
            "data": event.data,
        }
        for event in bank_history(borrower)
    ]
    sent = site.call("POST", "events/", token=service, json=events)
    assert sent.status_code == 202 and sent.json()["added"] == len(events)

    # The value is served, and coverage has moved.
    def served(feature_type):
        question = {"feature_type": feature_type, "entity_id": borrower}
        return site.call("POST", "features/inference", token=service, json=question).json()["feature_value"]

    eventually(lambda: served("core_behavioral:event_count_180d") == 30, log=site.processes.log)
    # The request itself is an event of its own, which the sets about the account do not count.
    assert served("lending_history:requests_30d") == 1

    def covered():
        stats = site.call("GET", "admin/features/stats", token=operator).json()
        core = next(row for row in stats["feature_sets"] if row["feature_set"] == "core_behavioral")
        return (core["total"], core["with_features"], core["coverage_percent"]) == (1, 1, 100.0)

    # What is asked before it is stored is computed on the spot; the stored value follows.
    eventually(covered, log=site.processes.log)

    # The next request sees the features.
    second = site.call("POST", "loans/request", token=token, json=asked).json()
    assert second["credit_decision"]["explanation"]["card"] == "behaviour"
    assert "lending_history@v1" in second["credit_decision"]["explanation"]["features_as_of"]
    eventually(lambda: served("lending_history:requests_30d") == 2, log=site.processes.log)
    tasks = site.call("GET", f"background-tasks/{borrower}", token=token).json()["results"]
    assert {task["task_id"] for task in tasks} >= {first.json()["task_id"], second["task_id"]}

    # A login is renewed once with each refresh token, and ends.
    renewed = site.call("POST", "auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert renewed.status_code == 200
    assert site.call("POST", "auth/logout", token=renewed.json()["access_token"]).status_code in (200, 204)
    assert site.call("GET", "loans/", token=renewed.json()["access_token"]).status_code == 401
