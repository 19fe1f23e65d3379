"""What can be known about a plot: one feature of every kind, so that tests cover every word."""

from features.definitions import FeatureSet, agg
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


assert Watered.entity is Harvested.entity is plot
