"""The example of docs/features.md is run, and means what the page says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from features import definitions
from features.definitions import feature_sets, find_feature_set
from features.language.pure import Happening
from tests.makers import NOON
from tests.processes import ROOT

PAGE = (ROOT / "docs/features.md").read_text()


@pytest.fixture
def shop_sales(tmp_path, monkeypatch):
    """The example's set, declared for the time of the test."""
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    (tmp_path / "docs_example.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    before = dict(definitions._sets), dict(definitions._events)
    __import__("docs_example")
    yield find_feature_set("docs_shop_sales")
    for registry, kept in zip((definitions._sets, definitions._events), before, strict=True):
        registry.clear()
        registry.update(kept)


def test_the_example_means_what_it_says(shop_sales):
    sold = [Happening("docs.sold", NOON - timedelta(days=n), 10 * n, {"clerk": f"c{n % 2}"}, n) for n in (40, 3, 2)]
    history = [*sold, Happening("docs.refunded", NOON - timedelta(hours=5), 7, {}, 9)]
    assert shop_sales.compute(history, NOON) == {
        "sales_30d": 2,
        "sold_sum_30d": 50,
        "sold_median": 30.0,
        "refund_share_30d": pytest.approx(1 / 3),
        "clerks": 2,
        "last_clerk": "c0",
        "last_sale": NOON - timedelta(days=2),
        "hours_quiet": 5.0,
        "sale_mean_30d": 25.0,
        "largest_step": 370,
    }
    assert shop_sales.ttl == timedelta(days=2) and shop_sales.entity.key == "shop_id"


def test_the_page_names_every_word():
    kinds = {a.kind for s in feature_sets() for a in s.aggregates().values()} | {"derived"}
    assert not {kind for kind in kinds if f"`{kind}" not in PAGE and f"{kind}`" not in PAGE}


@pytest.mark.parametrize(
    ("declare", "reason"),
    [
        (lambda agg: agg.quantile(q="1.5", unit="x"), "between 0 and 1"),
        (lambda agg: agg.since_last(unit="weeks"), "counts in"),
        (lambda agg: agg.last(data_type="money", unit="x"), "no data type"),
        (lambda agg: agg.max("event_time", above=1, unit="x"), "for numbers"),
        (lambda agg: agg.derived(agg.count() / 0.5, unit="x"), "whole numbers and Decimals"),
        (lambda agg: agg.derived(agg.last("event_time", unit="t") + 1, unit="x").data_type, "only numbers"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declare, reason):
    with pytest.raises(RuntimeError, match=reason):
        declare(definitions.agg)


def test_a_derived_feature_stands_on_features_of_its_own_set():
    entity, agg = definitions.Entity(name="x"), definitions.agg
    elsewhere = agg.count()
    with pytest.raises(RuntimeError, match="declared above it"):
        type("Bad", (definitions.FeatureSet,), {"half": agg.derived(elsewhere / 2, unit="x")},
             name="docs_bad", version="v1", entity=entity)  # fmt: skip
    assert find_feature_set("docs_bad") is None
