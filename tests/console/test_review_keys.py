"""The review queue without a mouse, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from reports.filing.photos import add_photo
from reports.models import Report, ReviewDecision, ReviewItem
from tests.console.browser import IN_BROWSER
from tests.processes import eventually
from tests.reports.test_photos import jpeg
from tests.reports.waiting import item

pytestmark = IN_BROWSER


def test_three_reports_are_decided_by_keys_alone(page, redis):
    first, second, third = (item(risk=risk, title=title) for risk, title in ((0.9, "One"), (0.5, "Two"), (0.1, "Six")))
    heading, keys = page.locator("#rv-heading"), page.keyboard
    page.goto("/admin/reports/reviewitem/")
    keys.press("j")
    expect(page.locator("#result_list tbody a").first).to_be_focused()
    keys.press("n")
    expect(heading).to_be_focused()
    expect(heading).to_contain_text("One")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    keys.press("j")
    expect(heading).to_contain_text("Two")
    keys.press("a")
    expect(page.get_by_role("status")).to_have_text("Take it first: press h.")
    keys.press("k")
    expect(heading).to_contain_text(re.compile("One.*yours", re.DOTALL))

    keys.press("a")
    expect(heading).to_contain_text("Two")
    keys.press("c")
    dialog = page.get_by_role("dialog", name="What is it about?")
    keys.press("9")
    expect(dialog.get_by_role("radio", name="Trees")).to_be_focused()
    keys.press("Enter")
    expect(heading).to_contain_text("Six")
    keys.press("r")
    keys.press("1")
    keys.press("Tab")
    expect(page.get_by_label("What the resident reads")).to_be_focused()
    keys.press("End")
    keys.type(" Sorry a.")
    keys.press("Enter")
    expect(page.get_by_text("Nothing more waits for you.")).to_be_visible()

    assert eventually(lambda: ReviewItem.objects.filter(status="done").count() == 3)
    kinds = dict(ReviewDecision.objects.values_list("item_id", "kind"))
    assert kinds == {first.pk: "accepted", second.pk: "corrected", third.pk: "rejected"}
    assert Report.objects.get(pk=second.report_id).category_id == "tree"
    assert ReviewDecision.objects.get(item=third).public_text.endswith("problem. Sorry a.")


def test_a_duplicate_with_its_photo_is_merged_by_keys_alone(page, redis, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    original = item(title="Deep pothole in the lane").report
    row = item(why="likely_duplicate", risk=0.9, title="Pothole in the lane")
    add_photo(report=row.report, by=row.report.reporter, data=jpeg())
    heading, keys = page.locator("#rv-heading"), page.keyboard
    page.goto(f"/admin/reports/reviewitem/{row.pk}/change/")
    photo = page.locator("img[src*='/photos/']")
    expect(photo).to_be_visible()
    assert eventually(lambda: photo.evaluate("picture => picture.complete && picture.naturalWidth > 0"))
    keys.press("h")
    expect(heading).to_contain_text("yours")
    keys.press("m")
    dialog = page.get_by_role("dialog", name="Which report is the same problem?")
    keys.press("1")
    expect(dialog.get_by_role("radio", name=original.title)).to_be_focused()
    expect(dialog.get_by_label("Number of the report that goes on for both")).to_have_value(str(original.pk))
    keys.press("Enter")
    expect(heading).to_contain_text(original.title)  # the next one

    merged = Report.objects.get(pk=row.report_id)
    assert (merged.status, merged.merged_into_id) == ("duplicate", original.pk)
    assert ReviewDecision.objects.get(item=row).kind == "merged"
