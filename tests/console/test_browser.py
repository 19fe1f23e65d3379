"""The console in a real browser: no error in its console, and no request to anybody else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from features.intake.ingest import ingest
from features.models import Backfill
from tasks.models import Status, Task
from tasks.statistics import tally
from tests import makers
from tests.console.browser import IN_BROWSER
from tests.console.conftest import ask_for_loan, new_task
from tests.garden import tasks as garden
from tests.loans.test_review import in_review
from tests.processes import eventually

pytestmark = IN_BROWSER


def drawn(page: Page, number: int) -> int:
    """How many pixels of a chart have ink."""
    script = """canvas => Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)
        .filter((value, place) => place % 4 === 3 && value > 0).length"""
    return page.locator("canvas").nth(number).evaluate(script)


def test_the_dashboard_draws_its_charts_in_light_and_dark(page):
    ask_for_loan()
    new_task("completed")
    tally()
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        page.goto("/admin/")
        expect(page.locator("canvas")).to_have_count(2)
        page.wait_for_function("Object.keys(Chart.instances).length === 2")
        assert drawn(page, 0) > 1_000 and drawn(page, 1) > 1_000
        assert ("dark" in page.locator("html").get_attribute("class")) is (colours == "dark")


def test_every_page_of_the_sidebar_opens_without_complaint(page):
    ask_for_loan()
    links = page.locator("#nav-sidebar-apps a").evaluate_all("all => all.map(link => link.pathname)")
    assert len(links) > 10
    for link in links:
        page.goto(link)
        expect(page.locator("#nav-sidebar-apps a.active")).to_have_count(1)
        first = page.locator("#result_list tbody th a, #result_list tbody td a").first
        if first.count():
            first.click()
            page.wait_for_load_state()


def test_a_failed_task_is_retried_and_the_page_follows_the_new_one(page, processes):
    task = new_task("failed", error_type="RuntimeError", error_message="no gateway")
    page.goto("/admin/")
    page.locator(".mr-numbers").get_by_role("link", name="Dead letters").click()
    page.get_by_role("link", name="no gateway").click()
    expect(page.get_by_text("RuntimeError: no gateway")).to_be_visible()
    page.get_by_role("link", name="Retry").click()
    page.get_by_label("Reason").fill("the gateway is back")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("was started again as a new task")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("pending")
    processes.worker()
    expect(page.locator("#live")).to_contain_text("completed", timeout=30_000)
    expect(page.locator("#live")).to_contain_text("100 %")
    assert Task.objects.get(retry_of=task).status == Status.COMPLETED


def test_progress_moves_without_a_reload_and_stops_when_the_task_ends(page, processes):
    processes.worker()
    task_id = garden.slow.enqueue(seconds=12).id
    page.goto(f"/admin/tasks/task/{task_id}/change/")
    expect(page.locator("#live")).to_contain_text("processing", timeout=30_000)
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#live")).to_contain_text(re.compile(r"step [3-9]"), timeout=30_000)
    assert page.evaluate("window.notReloaded")
    expect(page.locator("#live")).to_contain_text("completed", timeout=30_000)
    expect(page.locator("#live")).not_to_have_attribute("hx-get", re.compile("."))


def test_coverage_moves_after_an_extraction_by_hand(page, processes):
    now = datetime.now(UTC)
    ingest([makers.watered(plot, now=now) for plot in "abcd"])
    Task.objects.filter(name="features.refresh_stale").update(status="cancelled", completed_at=now)
    page.goto("/admin/features/featuresetversion/")
    row = page.get_by_role("row").filter(has_text="plot_care")
    expect(row).to_contain_text("0 %")
    page.get_by_role("link", name="Extract now").click()
    expect(page.get_by_role("row").filter(has_text="plot_care")).to_contain_text("4")
    page.get_by_label("Batch size").fill("2")
    page.get_by_role("button", name="Extract now").click()
    processes.worker()
    expect(page.locator("#live")).to_contain_text("completed", timeout=30_000)
    page.goto("/admin/features/featuresetversion/")
    expect(row).to_contain_text("100 %")


def test_a_backfill_is_estimated_started_paused_and_resumed_to_its_end(page, processes):
    now = datetime.now(UTC)
    ingest([makers.watered(f"plot-{n:02}", now=now) for n in range(40)], refresh=False)
    page.goto("/admin/features/backfill/")
    page.get_by_role("link", name="Start a backfill").click()
    page.get_by_label("Entity type").select_option("plot")
    page.get_by_label("Rate").fill("4")
    page.get_by_role("button", name="Start a backfill").click()
    expect(page.get_by_role("row").filter(has_text="a sample, rolled back")).to_contain_text("40")
    page.get_by_role("button", name="Start a backfill").click()
    expect(page.get_by_text("The backfill was started.")).to_be_visible()
    processes.worker()
    expect(page.locator("#live")).to_contain_text(re.compile("[1-9][0-9]? of 40"), timeout=30_000)
    page.get_by_role("link", name="Pause").click()
    page.get_by_label("Reason").fill("month end")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live")).to_contain_text("month end")
    Backfill.objects.update(rate=None)
    page.get_by_role("link", name="Resume").click()
    page.get_by_label("Reason").fill("go on")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#live")).to_contain_text("completed", timeout=30_000)
    expect(page.locator("#live")).to_contain_text("100 %")


def test_selected_tasks_are_cancelled_together(page):
    tasks = [new_task() for _ in range(3)]
    page.goto("/admin/tasks/task/?state=pending")
    for box in page.locator("input.action-select").all()[:2]:
        box.check()
    page.select_option("select[name=action]", "cancel")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Cancel: 2 selected")).to_be_visible()
    page.get_by_label("Reason").fill("not needed")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancel: 2 done, 0 refused.")).to_be_visible()
    assert eventually(lambda: Task.objects.filter(status=Status.CANCELLED).count() == 2 and len(tasks) == 3)


def test_a_queue_is_paused_and_a_periodic_task_is_run_from_their_pages(page):
    new_task(queue_name="low")
    page.goto("/admin/tasks/control/")
    page.get_by_role("link", name="low", exact=True).click()
    page.get_by_role("link", name="Pause").click()
    page.get_by_label("Reason").fill("the bank is closed")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Nothing of it starts any more")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_text("by boss: the bank is closed")).to_be_visible()
    page.goto("/admin/tasks/schedule/")
    page.get_by_role("link", name="garden.hourly").click()
    expect(page.get_by_text("Runs once an hour.")).to_be_visible()
    page.get_by_role("link", name="Run now").click()
    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#live")).to_contain_text("pending")
    assert Task.objects.get(name="garden.hourly").requested_by.username == "boss"


def test_a_reviewer_reads_a_request_claims_it_and_declines_it_with_reasons(page):
    item = in_review()
    page.goto("/admin/loans/reviewitem/")
    page.get_by_role("link", name="50,000.00 for car").click()
    expect(page.get_by_text("Credit score needs a manual review (50 <= 60 < 70)")).to_be_visible()
    page.locator("#button-claim").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("It is yours until")).to_be_visible()
    page.get_by_role("link", name="Decline").click()
    expect(page.locator("#ask input[type=checkbox]").first).to_have_value("A01")  # what the machine found
    page.get_by_label("A01 Monthly payment requested is too large *").check()
    page.get_by_label("R01 Unable to verify income").check()
    page.get_by_label("Note for staff").fill("no payslips")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("the borrower gets a notice")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="the machine")).to_contain_text("review")
    expect(page.get_by_role("row").filter(has_text="R01")).to_contain_text("Unable to verify income")
    item.refresh_from_db()
    assert (item.status, item.note, item.loan_request.status) == ("done", "no payslips", "declined")


def test_the_dashboards_figures_move_without_a_reload(page):
    page.goto("/admin/")
    number = page.locator(".mr-numbers section").filter(has_text="Waiting tasks").locator(".mr-number")
    waiting = int(number.inner_text())  # the login of whoever looks is counted by a task
    page.evaluate("window.notReloaded = true")
    new_task(), new_task()
    expect(number).to_have_text(str(waiting + 2), timeout=15_000)
    assert page.evaluate("window.notReloaded")
