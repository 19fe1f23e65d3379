"""What can be known about neighbourhoods and about residents who file reports."""

from datetime import timedelta

from features.definitions import FeatureSet, agg
from reports import events as e
from reports.events import place, reporter

DAYS_7, DAYS_30, DAYS_90 = agg.days(7), agg.days(30), agg.days(90)
FILED, RESOLVED, REJECTED = [e.ReportFiled.name], [e.ReportResolved.name], [e.ReportRejected.name]
CLOSED = [*RESOLVED, *REJECTED, e.ReportMerged.name]
REOPENED = [e.ReportReopened.name]

OWN_FILED, OWN_RESOLVED = [e.ResidentFiled.name], [e.ResidentsResolved.name]
OWN_REJECTED, OWN_MERGED = [e.ResidentsRejected.name], [e.ResidentsMerged.name]
OWN_REOPENED = [e.ResidentsReopened.name]


class PlaceTrouble(
    FeatureSet,
    name="place_trouble",
    version="v1",
    entity=place,
    source=[e.ReportFiled, e.ReportResolved, e.ReportRejected, e.ReportMerged, e.ReportReopened],
    owner="reports",
    tags=["reports"],
    freshness=timedelta(hours=6),
):
    """How much is reported in a neighbourhood, and how fast it is dealt with."""

    reports_7d = agg.count(types=FILED, over=DAYS_7, unit="reports", description="Reports filed")
    reports_30d = agg.count(types=FILED, over=DAYS_30, unit="reports", description="Reports filed")
    reports_90d = agg.count(types=FILED, over=DAYS_90, unit="reports", description="Reports filed")
    reports_all = agg.count(types=FILED, unit="reports", description="Reports filed")
    categories_30d = agg.distinct(
        "category", types=FILED, over=DAYS_30, unit="categories", description="Different categories reported"
    )
    category_entropy_90d = agg.entropy(
        "category", types=FILED, over=DAYS_90, description="How mixed the categories are; null without reports"
    )
    resolve_hours_median_90d = agg.quantile(
        q="0.5", types=RESOLVED, over=DAYS_90, unit="hours", description="From filing to resolution, of those resolved"
    )
    resolved_30d = agg.count(types=RESOLVED, over=DAYS_30, unit="reports", description="Reports resolved")
    rejected_30d = agg.count(types=REJECTED, over=DAYS_30, unit="reports", description="Reports rejected")
    closings_all = agg.count(types=CLOSED, unit="closings", description="Resolved, rejected or merged")
    reopenings_all = agg.count(types=REOPENED, unit="reopenings", description="Open again after that")
    open_now = agg.derived(
        reports_all - closings_all + reopenings_all,
        unit="reports",
        description="Reports that are neither resolved nor rejected nor merged",
        expected=("0", None),
    )
    days_quiet = agg.since_last(types=FILED, unit="days", description="Since a report was last filed")


class ReporterConduct(
    FeatureSet,
    name="reporter_conduct",
    version="v1",
    entity=reporter,
    source=[e.ResidentFiled, e.ResidentsResolved, e.ResidentsRejected, e.ResidentsMerged, e.ResidentsReopened],
    owner="reports",
    tags=["reports", "abuse"],
    freshness=timedelta(hours=6),
):
    """How much a resident reports, and what became of it."""

    filed_24h = agg.count(types=OWN_FILED, over=agg.hours(24), unit="reports", description="Reports filed")
    filed_7d = agg.count(types=OWN_FILED, over=DAYS_7, unit="reports", description="Reports filed")
    filed_90d = agg.count(types=OWN_FILED, over=DAYS_90, unit="reports", description="Reports filed")
    filed_all = agg.count(types=OWN_FILED, unit="reports", description="Reports filed")
    resolved_all = agg.count(types=OWN_RESOLVED, unit="reports", description="Reports resolved")
    rejected_all = agg.count(types=OWN_REJECTED, unit="reports", description="Reports rejected")
    merged_all = agg.count(types=OWN_MERGED, unit="reports", description="Reports that were there already")
    rejected_share = agg.derived(
        rejected_all / filed_all, unit="share", description="Rejected for each filed; null without reports"
    )
    merged_share = agg.derived(
        merged_all / filed_all, unit="share", description="Merged for each filed; null without reports"
    )
    cells_30d = agg.distinct(
        "cell", types=OWN_FILED, over=DAYS_30, unit="cells", description="Different places reported from, 0.1 km² each"
    )
    categories_30d = agg.distinct(
        "category", types=OWN_FILED, over=DAYS_30, unit="categories", description="Different categories reported"
    )
    hours_since_last = agg.since_last(types=OWN_FILED, unit="hours", description="Since the last report")
