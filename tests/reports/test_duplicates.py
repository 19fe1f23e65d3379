"""What may be the same problem is found, suggested, and decided by a reviewer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import assign_role
from reports.duplicates.linking import link_duplicates
from reports.duplicates.pairs import RADIUS_M
from reports.duplicates.search import find_candidates, find_many
from reports.models import Category, DuplicateLink, Report, ReviewItem
from reports.places import cell_of
from tests import makers

CAR = "Abandoned black Toyota without plates in front of the house, has not moved for weeks"


def report(text=CAR, *, north_m=0.0, hours_ago=0.0, category="vehicle_parking", **fields):
    latitude, longitude = 42.36 + north_m / 111_195, -71.06
    return Report.objects.create(
        title="Car", description=text, latitude=latitude, longitude=longitude, cell=cell_of(latitude, longitude),
        address="12 Elm St, Dorchester", category=Category.objects.get(pk=category),
        reported_at=timezone.now() - timedelta(hours=hours_ago), **fields,
    )  # fmt: skip


@pytest.mark.django_db
def test_the_earlier_report_of_the_same_thing_comes_first_and_what_is_out_of_reach_never():
    original = report(hours_ago=20, north_m=5)
    other = report("The traffic light is dark", hours_ago=1000, north_m=120, category="signal_sign")
    report(hours_ago=1, north_m=RADIUS_M + 5)
    report(hours_ago=24 * 366)
    report(hours_ago=2, status="rejected")
    report(hours_ago=-1)
    new = report()
    found = find_candidates(new)
    assert [one.report_id for one in found] == [original.pk, other.pk]
    assert found[0].probability > 0.2 > found[1].probability
    assert found[0].distance_m == pytest.approx(5, abs=0.1) and found[0].days == pytest.approx(20 / 24, abs=0.001)
    assert find_many([new, original])[new.pk].candidates == found, "many at once are answered as one by one"


@pytest.mark.django_db
def test_merged_reports_speak_for_where_they_go_on():
    root = report(hours_ago=30, north_m=15)
    merged = report(hours_ago=20, status="duplicate", merged_into=root)
    new = report()
    (found,) = find_candidates(new)
    assert found.report_id == root.pk != merged.pk


@pytest.mark.django_db
def test_a_likely_duplicate_is_suggested_for_review_and_a_rejected_pair_never_again(api):
    original, new = report(hours_ago=3), report()
    assert link_duplicates([original, new]) == 1
    link = DuplicateLink.objects.get()
    assert (link.report, link.original, link.state) == (new, original, "suggested")
    item = ReviewItem.objects.get()
    assert item.report == new and item.why == ["likely_duplicate"] and item.risk == link.probability
    assert link_duplicates([new]) == 1 and DuplicateLink.objects.count() == 1
    api.force_authenticate(makers.user(role="reviewer"))
    answer = api.post(f"/api/v1/reports/{new.pk}/duplicates/reject", {"of": original.pk}, format="json")
    assert answer.status_code == 200 and answer.data["state"] == "rejected"
    assert link_duplicates([new]) == 0
    new.refresh_from_db()
    assert new.status == "received", "nothing is merged without a person"


@pytest.mark.django_db
def test_a_reviewer_merges_and_takes_apart_over_http_and_everybody_sees_what_is_merged(api):
    original, new = report(hours_ago=3), report()
    reviewer = makers.user(role="reviewer")
    api.force_authenticate(reviewer)
    address = f"/api/v1/reports/{new.pk}"
    candidates = api.get(f"{address}/duplicates/candidates").data
    assert candidates["candidates"][0]["report_id"] == original.pk
    assert api.post(f"{address}/merge", {"into": original.pk, "note": "one car"}, format="json").status_code == 200
    assert api.post(f"{address}/merge", {"into": original.pk}, format="json").status_code == 409
    assert api.post(f"{address}/merge", {"into": 999_999}, format="json").status_code == 404
    assert api.post(f"{address}/merge", {"into": 1, "by": 2}, format="json").status_code == 400
    api.force_authenticate(makers.user())
    seen = api.get(f"/api/v1/reports/{original.pk}/duplicates").data
    assert [one["report_id"] for one in seen["results"]] == [new.pk] and "note" not in seen["results"][0]
    assert api.get(f"{address}/duplicates").data["merged_into"] == original.pk
    assert api.post(f"{address}/unmerge", {}, format="json").status_code == 403
    api.force_authenticate(reviewer)
    assert api.post(f"{address}/unmerge", {}, format="json").data["state"] == "unmerged"
    assert api.get(f"{address}/duplicates").data == {"merged_into": None, "results": []}


@pytest.mark.django_db
def test_a_reviewer_takes_a_merge_apart_in_the_console(client, redis):
    original, new = report(hours_ago=3), report()
    link_duplicates([new])
    link = DuplicateLink.objects.get()
    reviewer = makers.user()
    assign_role(user=reviewer, role="reviewer")
    client.force_login(reviewer)
    page = f"/admin/reports/duplicatelink/{link.pk}"
    assert "Perhaps a duplicate of" in client.get(f"/admin/reports/report/{new.pk}/change/").content.decode()
    assert "Merge" in client.get(f"{page}/change/").content.decode()
    client.post(f"{page}/merge/", {"reason": "one car"})
    new.refresh_from_db()
    assert new.merged_into_id == original.pk
    client.post(f"{page}/unmerge/", {"reason": "two cars"})
    link.refresh_from_db()
    assert (link.state, link.decided_by, link.note) == ("unmerged", reviewer, "two cars")
