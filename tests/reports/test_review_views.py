"""The review queue over HTTP."""

import pytest

from reports.models import Report, ReviewItem
from reports.review import work
from tests import makers
from tests.reports.waiting import item, reviewer

pytestmark = pytest.mark.django_db
QUEUE = "/api/v1/reports/review/"


def test_pages_go_both_ways_through_the_queue_in_its_order():
    rows = [
        item(risk=risk, due_day=f"2026-03-0{day}") for day, risk in [(1, 0.9), (1, 0.9), (1, 0.2), (2, 0.8), (3, 0.1)]
    ]
    client = makers.client(reviewer())
    page, pages = client.get(f"{QUEUE}?limit=2").json(), []
    while True:
        pages.append([row["id"] for row in page["results"]])
        if not page["next"]:
            break
        page = client.get(page["next"]).json()
    assert [pk for ids in pages for pk in ids] == [row.pk for row in rows]
    back = client.get(page["previous"]).json()
    assert [row["id"] for row in back["results"]] == pages[1] and back["next"] and back["previous"]
    assert client.get(back["previous"]).json()["previous"] is None


def test_the_queue_is_narrowed_and_nothing_unknown_is_asked():
    person = reviewer()
    client = makers.client(person)
    urgent, mine = item("urgent"), item(department_id="parks")
    work.claim_item(item_id=mine.pk, user=person)

    def ids(query):
        return [row["id"] for row in client.get(QUEUE + query).json()["results"]]

    assert (ids("?why=urgent"), ids("?department=parks"), ids("?mine=true")) == ([urgent.pk], [mine.pk], [mine.pk])
    for query in ("?why=ugly", "?mine=no", "?colour=red", "?limit=0"):
        assert client.get(QUEUE + query).status_code == 400, query
    for cursor in ("x", "cD1ub3doZXJl", "WzEsMiwzLDRd", "WyIyMDI2LTAxLTAxIiwiTmFOIiwxLGZhbHNlXQ"):
        assert client.get(f"{QUEUE}?cursor={cursor}").status_code == 404, cursor


def test_a_reviewer_works_through_the_queue():
    client = makers.client(reviewer())
    first, second = item(risk=0.9), item(risk=0.5)
    got = client.post(f"{QUEUE}next").json()
    assert (got["id"], got["status"], got["report"]["id"]) == (first.pk, "claimed", first.report_id)
    answer = client.post(f"{QUEUE}{first.pk}/correct", {"category": "tree", "note": "a limb"}, format="json")
    assert answer.status_code == 201 and (answer.json()["kind"], answer.json()["category"]) == ("corrected", "tree")
    assert client.post(f"{QUEUE}{first.pk}/accept", {}, format="json").status_code == 409
    assert client.get(f"{QUEUE}{first.pk}").json()["status"] == "done"
    assert client.post(f"{QUEUE}{second.pk}/accept", {}, format="json").status_code == 409  # not claimed
    assert client.post(f"{QUEUE}{second.pk}/claim").json()["claimed_by"]
    assert client.post(f"{QUEUE}{second.pk}/release", {"reason": "tea"}, format="json").json()["claimed_by"] is None
    assert client.post(f"{QUEUE}next", {"after": second.pk}, format="json").status_code == 204
    client.post(f"{QUEUE}next")
    reasons = {row["code"]: row for row in client.get(f"{QUEUE}reasons").json()}
    sent = {"reason": "private", "public_text": "Ask your neighbour."}
    answer = client.post(f"{QUEUE}{second.pk}/reject", sent, format="json").json()
    assert answer["public_text"] == "Ask your neighbour." and reasons["private"]["in_good_faith"]
    assert client.post(f"{QUEUE}next").status_code == 204


def test_bad_decisions_are_named():
    client = makers.client(reviewer())
    row = item()
    client.post(f"{QUEUE}{row.pk}/claim")
    for act, sent, field in [
        ("correct", {"category": "dragons"}, "category"),
        ("correct", {}, "category"),
        ("reject", {"reason": "ugly"}, "reason"),
        ("merge", {"into": "x"}, "into"),
        ("accept", {"colour": "red"}, "colour"),
    ]:
        answer = client.post(f"{QUEUE}{row.pk}/{act}", sent, format="json")
        assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    assert client.post(f"{QUEUE}{row.pk}/merge", {"into": 1}, format="json").status_code == 404
    assert client.post(f"{QUEUE}{row.pk}/merge", {"into": row.report_id}, format="json").status_code == 409
    assert ReviewItem.objects.get(pk=row.pk).status == "claimed"


def test_what_another_department_has_is_not_there():
    works, parks = item(), item(department_id="parks")
    client = makers.client(reviewer("parks"))
    assert [row["id"] for row in client.get(QUEUE).json()["results"]] == [parks.pk]
    assert client.get(f"{QUEUE}?department=public_works").json()["results"] == []
    assert client.get(f"{QUEUE}{works.pk}").status_code == 404
    sent = {"correct": {"category": "tree"}, "reject": {"reason": "spam"}, "merge": {"into": parks.report_id}}
    for act in ("claim", "release", "accept", "correct", "reject", "merge"):
        answer = client.post(f"{QUEUE}{works.pk}/{act}", sent.get(act, {}), format="json")
        assert answer.status_code == 404, act
    assert client.post(f"{QUEUE}next", {"after": works.pk}, format="json").status_code == 404
    Report.objects.filter(pk=works.report_id).update(department="parks")
    assert client.get(f"{QUEUE}{works.pk}").status_code == 200


def test_nobody_claims_their_own_report():
    person = reviewer()
    own = item(reporter=person)
    assert makers.client(person).post(f"{QUEUE}{own.pk}/claim").status_code == 403


@pytest.mark.parametrize("role", ["client", "service", "analyst", "operator", "auditor"])
def test_only_reviewers_and_admins_have_the_queue(role):
    row = item()
    client = makers.client(makers.user(role))
    assert client.get(QUEUE).status_code == client.post(f"{QUEUE}{row.pk}/claim").status_code == 403
    assert makers.client(makers.user("admin")).get(QUEUE).status_code == 200
