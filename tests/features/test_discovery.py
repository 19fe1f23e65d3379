"""Discovery: the document's keys, what else there is to know of a feature, and ways to find one."""

from datetime import timedelta

import pytest

from features import definitions
from features.catalogue import sync
from features.definitions import Entity, FeatureSet, agg
from tests import makers

pytestmark = pytest.mark.django_db
DOCUMENT = ["feature_type", "name", "description", "entity_type", "data_type", "created_at"]


@pytest.fixture
def analyst():
    return makers.client(makers.user("analyst"))


@pytest.fixture(autouse=True)
def orchard(monkeypatch):
    """A set with everything that can be said of one."""
    monkeypatch.setattr(definitions, "_sets", dict(definitions._sets))

    class TreeYield(
        FeatureSet,
        name="tree_yield",
        version="v2",
        entity=Entity(name="tree", key="tree_id"),
        owner="growers",
        tags=["fruit", "season"],
        freshness=timedelta(hours=6),
        ttl=timedelta(days=2),
    ):
        """What a tree bears."""

        apples_7d = agg.sum(over=agg.days(7), unit="kg", description="Picked in a week", expected=("0", "99.5"))
        pickings = agg.count(unit="pickings")
        apples_each = agg.derived(apples_7d / pickings, unit="kg")

    sync()
    return TreeYield


def discover(client, **filters):
    answer = client.get("/api/v1/features/discovery", filters)
    assert answer.status_code == 200
    return answer.json()


def test_a_row_has_the_documents_keys_first_and_then_all_there_is_to_know(analyst, orchard):
    rows = {row["feature_type"]: row for row in discover(analyst, feature_set="tree_yield")}
    assert list(rows) == ["apples_7d", "pickings", "apples_each"]
    row = rows["apples_7d"]
    assert list(row)[:6] == DOCUMENT
    assert (row["name"], row["description"], row["entity_type"]) == ("Apples 7d", "Picked in a week", "tree_id")
    assert (row["feature_set"], row["version"], row["owner"]) == ("tree_yield", "v2", "growers")
    assert (row["kind"], row["data_type"], row["unit"], row["window_s"]) == ("sum", "decimal", "kg", 7 * 86_400)
    assert row["expected_range"] == [0, 99.5] and row["tags"] == ["fruit", "season"]
    assert (row["freshness_s"], row["ttl_s"], row["checksum"]) == (6 * 3600, 2 * 86_400, orchard.checksum())
    assert row["derived_from"] == [] and rows["pickings"]["expected_range"] is None
    assert rows["apples_each"]["derived_from"] == ["apples_7d", "pickings"]
    assert rows["apples_each"]["kind"] == "derived"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"entity_type": "tree_id"}, 3),
        ({"entity_type": "tree"}, 3),
        ({"feature_set": "tree_yield@v2"}, 3),
        ({"feature_set": "tree_yield@v1"}, 0),
        ({"tag": "fruit"}, 3),
        ({"owner": "growers", "q": "APPLES"}, 2),
        ({"q": "picked in a"}, 1),
        ({"owner": "growers", "tag": "behaviour"}, 0),
        ({"q": "no such words"}, 0),
    ],
)
def test_filters_narrow_it_down(analyst, filters, found):
    assert len(discover(analyst, **filters)) == found


def test_an_unknown_filter_is_refused(analyst):
    assert analyst.get("/api/v1/features/discovery", {"colour": "red"}).status_code == 400


def test_one_feature_is_shown_with_its_definition(analyst):
    for name in ("apples_7d", "tree_yield:apples_7d", "tree_yield@v2:apples_7d"):
        body = analyst.get(f"/api/v1/features/discovery/{name}").json()
        assert body["feature_type"] == "apples_7d" and body["definition"]["kind"] == "sum"
        assert body["feature_set_description"] == "What a tree bears." and body["source"] == []


def test_an_unknown_feature_is_not_there_and_an_ambiguous_name_lists_the_full_ones(analyst):
    assert analyst.get("/api/v1/features/discovery/nothing").status_code == 404
    assert analyst.get("/api/v1/features/discovery/tree_yield@v1:apples_7d").status_code == 404
    ambiguous = analyst.get("/api/v1/features/discovery/litres_30d")
    assert ambiguous.status_code == 400 and "plot_care:litres_30d" in ambiguous.json()["detail"]
