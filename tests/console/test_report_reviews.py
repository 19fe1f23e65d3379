"""The review queue of reports at the console: one after the other is decided, each by one person."""

import pytest

from reports.models import Report, ReviewDecision, ReviewItem
from reports.review import work
from tests.console.conftest import told
from tests.reports.waiting import item

pytestmark = pytest.mark.django_db
ITEMS = "/admin/reports/reviewitem/"


def page(row):
    return f"{ITEMS}{row.pk}/change/"


def pressed(browser, row):
    return set(browser.get(page(row)).context["press"])


def test_a_decision_takes_and_opens_the_next_report(staff):
    reviewer = staff("reviewer")
    first, second, third = (item(risk=risk) for risk in (0.9, 0.5, 0.1))
    answer = reviewer.post(f"{ITEMS}next/", follow=True)
    assert answer.redirect_chain[-1][0] == page(first)
    assert pressed(reviewer, first) == {"claim", "accept", "correct", "reject", "merge", "release", "skip"}
    answer = reviewer.post(f"{ITEMS}{first.pk}/correct/", {"category": "tree", "note": ""}, follow=True)
    assert answer.redirect_chain[-1][0] == page(second)
    assert told(answer) == [f"Report {first.report_id}: it is Trees, for Parks and Forestry."]
    other = staff("reviewer")
    assert other.post(f"{ITEMS}next/", follow=True).redirect_chain[-1][0] == page(third)
    assert pressed(other, second) == {"claim", "skip"}
    answer = reviewer.post(
        f"{ITEMS}{second.pk}/reject/", {"reason": "spam", "public_text": "", "note": ""}, follow=True
    )
    assert answer.redirect_chain[-1][0].startswith(ITEMS) and "Nothing more waits" in told(answer)[0]
    assert set(ReviewDecision.objects.values_list("kind", flat=True)) == {"corrected", "rejected"}


def test_who_skips_a_report_gets_the_one_behind_it(staff):
    reviewer = staff("reviewer")
    first, second = item(risk=0.9), item(risk=0.1)
    work.claim_item(item_id=first.pk, user=reviewer.person)
    assert reviewer.post(f"{ITEMS}{first.pk}/skip/", follow=True).redirect_chain[-1][0] == page(second)
    assert ReviewItem.objects.get(pk=first.pk).status == "open"


def test_a_refusal_is_told_in_a_sentence_and_a_bad_answer_is_asked_again(staff):
    reviewer, row = staff("reviewer"), item()
    answer = reviewer.post(f"{ITEMS}{row.pk}/accept/", {"note": ""}, follow=True)
    assert told(answer) == ["Claim it first; a claim runs out."]
    reviewer.post(f"{ITEMS}{row.pk}/claim/")
    assert reviewer.post(f"{ITEMS}{row.pk}/correct/", {"category": "dragons"}).context["form"].errors
    assert not ReviewDecision.objects.exists()


def test_the_page_shows_the_report_and_escapes_what_the_resident_wrote(staff):
    row = item(title="<b>Hole</b>", description="<script>alert(1)</script> a deep hole")
    near = item(title="Near by").report
    body = staff("reviewer").get(page(row)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; a deep hole" in body and "<script>alert(1)" not in body
    assert f"<title>{near.pk}: Near by (received)</title>" in body


@pytest.mark.parametrize("role", ["operator", "analyst"])
def test_others_look_and_do_not_decide(staff, role):
    row, person = item(), staff(role)
    assert pressed(person, row) == set()
    assert person.post(f"{ITEMS}{row.pk}/claim/").status_code == 403
    assert person.post(f"{ITEMS}next/").status_code == 403


def test_what_another_department_has_is_not_there(staff):
    works, parks = item(), item(department_id="parks")
    gardener = staff("reviewer")
    gardener.person.departments.set(["parks"])
    shown = gardener.get(ITEMS).context["cl"].result_list
    assert list(shown) == [parks]
    assert gardener.get(page(works)).status_code == 302
    for act in ("claim", "accept", "skip"):
        assert gardener.post(f"{ITEMS}{works.pk}/{act}/", {"note": ""}).status_code == 302
    assert gardener.post(f"{ITEMS}next/", follow=True).redirect_chain[-1][0] == page(parks)
    assert ReviewItem.objects.get(pk=works.pk).status == "open"
    assert not gardener.get(page(parks)).context["behind"] and not gardener.get(page(parks)).context["before"]


def test_the_tabs_part_the_queue(staff):
    reviewer = staff("reviewer")
    late, mine, done = item(due_day="2026-01-01"), item(), item()
    work.claim_item(item_id=mine.pk, user=reviewer.person)
    Report.objects.filter(pk=done.report_id).update(status="resolved")

    def shown(part):
        return set(reviewer.get(f"{ITEMS}?part={part}").context["cl"].result_list)

    assert shown("") == {late, mine}
    assert (shown("mine"), shown("overdue"), shown("done")) == ({mine}, {late}, {done})
    assert [tab["count"] for tab in reviewer.get(ITEMS).context["tabs"]] == ["2", "1", "1", "1"]
