"""Ten features of an account: whole history, two windows, one distance in time."""

from benchmarks.workload.events import holder
from features.definitions import FeatureSet, agg


class Activity(FeatureSet, name="activity", version="v1", entity=holder, owner="benchmarks"):
    """How much moves on an account. benchmarks.statements says the same in SQL."""

    events = agg.count()
    amount_sum = agg.sum(unit="USD")
    amount_mean = agg.mean(unit="USD")
    amount_stddev = agg.stddev(unit="USD")
    amount_min = agg.min(unit="USD")
    amount_max = agg.max(unit="USD")
    days_since_last = agg.days_since_last()
    kinds = agg.distinct()
    events_30d = agg.count(over=agg.days(30))
    amount_sum_90d = agg.sum(over=agg.days(90), unit="USD")
