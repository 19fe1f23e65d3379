"""What can be known about a plot: one feature of every kind, so that tests cover every word."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from django.db.models import CharField, F, Func, Q, Value
from django.db.models.functions import Cast

from features.definitions import Batch, FeatureSet, Rows, agg, feature, uses
from tests.garden.events import Harvested, Visited, Watered, plot


class PlotCare(FeatureSet, name="plot_care", version="v1", entity=plot, owner="gardeners"):
    """How a plot is looked after."""

    events = agg.count()
    waterings_7d = agg.count(types=["garden.watered"], over=agg.days(7))
    litres = agg.sum(types=["garden.watered"], unit="l")
    litres_30d = agg.sum(types=["garden.watered"], over=agg.days(30), unit="l")
    heavy_litres = agg.sum(types=["garden.watered"], above="9.5", unit="l")
    litres_mean = agg.mean(types=["garden.watered"], unit="l")
    litres_stddev = agg.stddev(types=["garden.watered"], unit="l")
    smallest = agg.min(unit="any")
    largest_30d = agg.max(over=agg.days(30), unit="any")
    first_value = agg.first(unit="any")
    last_value = agg.last(unit="any")
    kinds = agg.distinct()
    harvest_share = agg.ratio(types=["garden.harvested"])
    days_dry = agg.days_since_last(types=["garden.watered"])
    moisture_min_30d = agg.min("moisture", over=agg.days(30), unit="percent")
    moisture_last = agg.last("moisture", unit="percent")


class PlotHarvest(FeatureSet, name="plot_harvest", version="v1", entity=plot, source=[Harvested, Visited]):
    """Only what was taken from the plot."""

    harvests = agg.count(types=["garden.harvested"])
    kilograms = agg.sum(unit="kg")


class PlotRhythm(FeatureSet, name="plot_rhythm", version="v1", entity=plot, ttl=timedelta(days=3)):
    """When and how evenly a plot is looked after: the words that numbers alone do not have."""

    litres_median = agg.quantile(q="0.5", types=["garden.watered"], unit="l")
    value_q90_30d = agg.quantile(q="0.9", over=agg.days(30), unit="any")
    kinds_entropy = agg.entropy()
    gardeners_entropy_30d = agg.entropy("gardener", over=agg.days(30))
    hours_since_visit = agg.since_last(unit="hours", types=["garden.visited"])
    seconds_since_anything = agg.since_last(unit="seconds")
    first_seen = agg.first("event_time", unit="time")
    last_watered = agg.last("event_time", types=["garden.watered"], unit="time")
    first_harvest = agg.min("event_time", types=["garden.harvested"], unit="time")
    last_gardener = agg.last("gardener", data_type="string", unit="name")
    first_kind = agg.first("event_type", data_type="string", unit="kind")
    alphabetic = agg.min("gardener", data_type="string", unit="name")
    gardeners = agg.distinct("gardener", unit="gardeners")
    events_7d = agg.count(over=agg.days(7), expected=(0, 100))
    events_30d = agg.count(over=agg.days(30))
    litres_30d = agg.sum(types=["garden.watered"], over=agg.days(30), unit="l")
    litres_mean = agg.mean(types=["garden.watered"], unit="l")
    recent_share = agg.derived(events_7d / events_30d, unit="share")
    litres_left = agg.derived(1000 - litres_30d * 2, unit="l")
    above_mean = agg.derived(litres_30d / events_30d - litres_mean, unit="l")
    share_left = agg.derived(1 - recent_share, unit="share")


class PlotGaps(FeatureSet, name="plot_gaps", version="v1", entity=plot):
    """What only a function can say, beside aggregates and what is derived from both."""

    events = agg.count()
    litres_sum = agg.sum(types=["garden.watered"], unit="l")
    last_event = agg.last("event_time", unit="time")

    @feature(data_type="float", unit="seconds", over=agg.days(30))
    def longest_gap_30d(batch: Batch) -> list[float | None]:
        """Longest time between two events."""
        return [
            max(((b.event_time - a.event_time).total_seconds() for a, b in pairwise(events)), default=None)
            for events in batch.events
        ]

    @feature(data_type="decimal", unit="l", types=["garden.watered"])
    def biggest_step(batch: Batch) -> list[Decimal | None]:
        """Largest change from one watering to the next."""
        return [max((abs(b.value - a.value) for a, b in pairwise(events)), default=None) for events in batch.events]

    gap_days = agg.derived(longest_gap_30d / 86_400, unit="days")
    litres_each = agg.derived(litres_sum / events, unit="l")


def payload(key: str) -> Func:
    return Func(F("payload"), Value(key), function="jsonb_extract_path_text", output_field=CharField())


class PlotRows(
    FeatureSet,
    name="plot_rows",
    version="v1",
    entity=plot,
    source=Rows(
        model="features.RawEvent",
        entity_id="entity_id",
        event_time="event_time",
        recorded_at="recorded_at",
        event_type="event_type",
        value="value",
        fields={"moisture": payload("moisture"), "gardener": payload("gardener"), "number": Cast("id", CharField())},
        where=Q(entity_type="plot") & ~Q(event_type="garden.visited"),
    ),
):
    """The same events taken as rows of a model, all but the visits."""

    events = agg.count()
    litres_30d = agg.sum(types=["garden.watered"], over=agg.days(30), unit="l")
    heavy = agg.count(above="9.5")
    moisture_mean = agg.mean("moisture", unit="percent")
    last_gardener = agg.last("gardener", data_type="string", unit="name")
    last_time = agg.last("event_time", unit="time")
    kinds = agg.distinct()
    harvest_share = agg.ratio(types=["garden.harvested"])
    days_quiet = agg.days_since_last()
    doubled = agg.derived(litres_30d * 2, unit="l")

    @feature(data_type="integer", unit="events")
    def moist_events(batch: Batch) -> list[int]:
        """Events that tell the moisture."""
        return [sum(event.payload.get("moisture") is not None for event in events) for events in batch.events]


uses("garden.almanac", PlotCare, PlotRows, kind="report", description="When to water")
assert Watered.entity is Harvested.entity is plot
