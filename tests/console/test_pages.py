"""What the pages show, how rows are found, and that a page follows its task."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from audit.models import Entry
from audit.services import log_audit_event, seal
from base.context import acting
from features import services
from features.backfill.work import work
from features.definitions import feature_sets
from features.intake.ingest import ingest
from features.models import Backfill, FeatureHistory, FeatureSetVersion, FeatureValue, RawEvent
from features.tasks import note_coverage
from features.values import backlog
from features.values.materialize import refresh
from loans.models import Borrower, LoanRequest
from tasks.models import Attempt, Task
from tests import makers
from tests.console.conftest import ask_for_loan, new_task
from tests.makers import NOON

pytestmark = pytest.mark.django_db


def page(browser, row) -> str:
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def found(browser, model, query: str = "", **parameters: str) -> list:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    answer = browser.get(url, {"q": query, **parameters})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def test_a_failed_task_tells_its_whole_story(staff):
    task = new_task("failed", error_type="RuntimeError", error_message="no gateway", error_traceback="Traceback …",
                    subject_type="plot", subject_id="a", attempt=1)  # fmt: skip
    Attempt.objects.create(task=task, number=1, worker="host:1", outcome="error", error_type="RuntimeError",
                           started_at=NOON, ended_at=NOON)  # fmt: skip
    text = page(staff("operator"), task)
    for word in ("no gateway", "Traceback …", "host:1", "plot:a", "Leave one visible effect"):
        assert word in text
    assert 'hx-trigger="every' not in text


def test_the_page_of_a_live_task_fetches_its_progress_until_it_ends(staff):
    operator, task = staff("operator"), new_task("processing", progress=40, progress_message="step 2", attempt=1)
    live = f"/admin/tasks/task/{task.pk}/live/?seen=processing-1"
    assert live.replace("&", "&amp;") in page(operator, task)
    piece = operator.get(live)
    assert "40 %" in piece.content.decode() and "step 2" in piece.content.decode()
    assert "HX-Refresh" not in piece.headers
    Task.objects.filter(pk=task.pk).update(
        status="completed", completed_at=datetime.now(UTC), progress=100, lease_until=None
    )
    ended = operator.get(live)
    assert ended.headers["HX-Refresh"] == "true" and "hx-get" not in ended.content.decode()


def test_a_running_attempt_shows_its_worker_time_lease_and_crashes(staff):
    now = datetime.now(UTC)
    task = new_task("processing", attempt=4, handed_back=1, crashes=2, max_attempts=5, timeout_s=90,
                    worker="host.7/99", attempt_started_at=now - timedelta(seconds=12),
                    lease_until=now + timedelta(seconds=20))  # fmt: skip
    for number, outcome in enumerate(("timed_out", "crashed", "handed_back"), 1):
        Attempt.objects.create(
            task=task, number=number, worker="host.6/1", started_at=NOON, ended_at=NOON, outcome=outcome
        )
    operator = staff("operator")
    text = page(operator, task)
    for word in ("timed_out", "crashed", "handed_back", "2 of at most 3", "host.6/1", "90 s an attempt"):
        assert word in text
    live = operator.get(f"/admin/tasks/task/{task.pk}/live/").content.decode()
    for word in ("3 of 5", "host.7/99", "12 s of at most 90 s", "left"):
        assert word in live
    Task.objects.filter(pk=task.pk).update(lease_until=now - timedelta(seconds=1))
    assert "ran out" in operator.get(f"/admin/tasks/task/{task.pk}/live/").content.decode()


def test_the_tabs_count_and_filter_by_state_and_failures_are_those_still_to_handle(staff):
    operator = staff("operator")
    failed, discarded = new_task("failed"), new_task("failed", discarded_at=datetime.now(UTC))
    waiting = new_task()
    assert found(operator, Task, state="failed") == [failed]
    assert found(operator, Task, state="pending") == [waiting]
    assert set(found(operator, Task)) == {failed, discarded, waiting}
    tabs = operator.get(reverse("admin:tasks_task_changelist")).context["tabs"]
    assert {tab["title"]: tab["count"] for tab in tabs}["Failed"] == "1"


def test_tasks_are_found_by_id_subject_correlation_and_name(staff):
    operator = staff("operator")
    task = new_task(subject_type="plot", subject_id="bed-7", correlation_id="c0ffee00c0ffee00")
    new_task()
    for query in (str(task.pk), "bed-7", "c0ffee00c0ffee00"):
        assert found(operator, Task, query) == [task]
    assert len(found(operator, Task, "garden.note")) == 2
    for query in ("nothing", "garden.nothing", "7", "%", "' OR 1=1 --"):
        assert found(operator, Task, query) == []


def test_a_list_never_counts_the_table(staff, django_assert_max_num_queries):
    operator = staff("operator")
    for _ in range(3):
        new_task()
    with django_assert_max_num_queries(20) as queries:
        found(operator, Task)
    counts = [q["sql"] for q in queries.captured_queries if "count(*)" in q["sql"].lower()]
    assert all("LIMIT 1001" in sql for sql in counts)


def test_the_catalogue_shows_definition_and_coverage(staff):
    ingest([makers.watered("a"), makers.watered("b")])
    refresh("plot", ["a"])
    analyst = staff("analyst")
    plots = FeatureSetVersion.objects.get(name="plot_care")
    text = page(analyst, plots)
    for word in ("Coverage: 50 % of 2 entities", "waterings_7d", "7 days", "above 9.5", plots.checksum):
        assert word in text
    assert "50 %" in analyst.get(reverse("admin:features_featuresetversion_changelist")).content.decode()


def test_a_value_shows_each_feature_and_its_history(staff):
    now = datetime.now(UTC)
    ingest([makers.watered("a", litres="12.5", days_ago=1, now=now)])
    for _ in range(2):
        refresh("plot", ["a"])
    value = FeatureValue.objects.get(feature_set__name="plot_care", entity_id="a")
    analyst = staff("analyst")
    shown = analyst.get(reverse("admin:features_featurevalue_change", args=[value.pk])).context
    features, history, *_ = shown["panels"]
    assert dict((row[0], row[1]) for row in features.rows)["<code>litres</code>"] == "12.5"
    assert len(history.rows) == 2
    assert found(analyst, FeatureValue, "a", set=str(value.feature_set_id)) == [value]
    assert len(found(analyst, FeatureHistory, "a")) == 2 * len(feature_sets(entity="plot"))


def test_events_say_whether_they_were_counted_and_why_not(staff):
    ingest([makers.watered("a", source_id="meter-1"), makers.watered("b")])
    refresh("plot", ["a"])
    backlog.fail("plot", "b", "numeric field overflow", events=1)
    counted, failing = RawEvent.objects.get(entity_id="a"), RawEvent.objects.get(entity_id="b")
    operator = staff("operator")
    assert found(operator, RawEvent, processing="done") == [counted]
    assert found(operator, RawEvent, processing="error") == [failing]
    assert found(operator, RawEvent, "meter-1") == [counted]
    assert found(operator, RawEvent, "b") == [failing]
    assert "numeric field overflow" in page(operator, failing)


def test_a_decision_is_explained(staff):
    request = ask_for_loan(900_000)
    decision = request.decisions.get()
    text = page(staff("reviewer"), request)
    for word in (decision.reasons[0].split("(")[0], "Points of each characteristic", "Policy thresholds",
                 decision.model_version, "monthly_payment"):  # fmt: skip
        assert word in text


def test_requests_and_borrowers_are_found_by_their_ids(staff):
    request, reviewer = ask_for_loan(), staff("reviewer")
    ask_for_loan()
    assert found(reviewer, LoanRequest, str(request.pk)) == [request]
    assert found(reviewer, LoanRequest, str(request.borrower_id)) == [request]
    assert found(reviewer, Borrower, str(request.borrower_id)) == [request.borrower]
    assert "45,000.00 for car" in page(reviewer, request.borrower)


def entries() -> list[Entry]:
    with acting(actor="user:7", ip="203.0.113.1"):
        return [log_audit_event("door_opened", "door", number) for number in (1, 2)] + [
            log_audit_event("door_closed", "door", 1, actor="user:8")
        ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("actor:user:7", [1, 0]),
        ("action:door_closed", [2]),
        ("target:door", [2, 1, 0]),
        ("target:door:1", [2, 0]),
        ("target:door:1 actor:user:7", [0]),
        ("actor:user:7 door_opened", [1, 0]),
        ("door_closed", [2]),
        ("user:8", [2]),
        ("target:door from:2020-01-01 to:2020-12-31", []),
        ("target:door from:2020-01-01T10:00", [2, 1, 0]),
        ("target:window", []),
    ],
)
def test_the_trail_is_searched_by_words(staff, query, numbers):
    auditor, made = staff("auditor"), entries()
    assert found(auditor, Entry, query) == [made[number] for number in numbers]


def test_today_is_part_of_to(staff):
    auditor, made = staff("auditor"), entries()
    today = datetime.now(UTC).date()
    assert found(auditor, Entry, f"target:door from:{today} to:{today}") == made[::-1]


@pytest.mark.parametrize("query", ["from:yesterday", "to:2026-02-31", "from:2026-13-01T00:00"])
def test_a_date_that_is_none_is_answered_with_a_sentence(staff, query):
    answer = staff("auditor").get("/admin/audit/entry/", {"q": query})
    assert "is not a date; write 2026-06-15" in answer.content.decode()


def test_an_entry_shows_its_seal_and_the_neighbours(staff):
    first, second, third = entries()
    seal()
    late = log_audit_event("door_painted", "door", 1)
    auditor = staff("auditor")
    text = page(auditor, second)
    for word in ("matches its hash", "follows the seal before it", second.seal.hash):
        assert word in text
    for neighbour in (first, third):
        assert reverse("admin:audit_entry_change", args=[neighbour.pk]) in text
    assert "Not sealed yet" in page(auditor, late)
    assert late in found(auditor, Entry, sealed="no") and first not in found(auditor, Entry, sealed="no")
    call_command("verify_audit")


def test_a_bad_cursor_or_filter_is_no_error(staff):
    boss = staff("admin")
    for query in ("?p=9999", "?state=bogus", "?set=x", "?q=%00", "?e=1"):
        for place in ("tasks/task/", "features/featurevalue/", "features/rawevent/", "audit/entry/"):
            assert boss.get(f"/admin/{place}{query}", follow=True).status_code == 200


def test_a_backfill_tells_how_far_it_is_and_follows_itself_while_it_lives(staff):
    ingest([makers.watered(f"plot-{n}") for n in range(12)], refresh=False)
    backfill, _ = services.request_backfill(entity_type="plot", batch_size=4, reason="new plots")
    steps = work(backfill.pk, worker="host:7")
    next(steps)
    operator = staff("operator")
    text = page(operator, backfill)
    for word in ("33 %", "4 of 12", "host:7", "new plots", "Estimated before it began", "features.work_on_backfill"):
        assert word in text
    live = f"/admin/features/backfill/{backfill.pk}/live/?seen=running"
    assert live in text and "HX-Refresh" not in operator.get(live).headers
    list(steps)
    assert operator.get(live).headers["HX-Refresh"] == "true"
    assert "every 1500ms" not in page(operator, backfill)
    assert found(operator, Backfill, str(backfill.pk)) == found(operator, Backfill, state="completed") == [backfill]


def test_coverage_is_drawn_by_day(staff):
    note_coverage.func()
    ingest([makers.watered("a")], refresh=False)
    note_coverage.func()
    analyst = staff("analyst")
    row = FeatureSetVersion.objects.get(name="plot_care")
    assert "Coverage, last 30 days" in page(analyst, row)
    chart = next(p for p in analyst.get("/admin/").context["panels"] if p.title.startswith("Coverage of all sets"))
    assert [series.label for series in chart.series if any(series.values)] == ["without features"]
