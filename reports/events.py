"""What happens to reports, told twice: of the neighbourhood it is in, and of the resident who filed it."""

from decimal import Decimal

from features.definitions import Entity, Event

place = Entity(name="place", key="place_id", description="A neighbourhood: an H3 cell of resolution 8, about 0.7 km².")
reporter = Entity(name="reporter", key="reporter_id", description="An account that files reports.")


class OfReport:
    """What is known of a report when something happens to it. The category is the one it had by then."""

    report_id: int
    category: str | None = None
    severity: str


class Closing(OfReport):
    """An end of a report. `hours` since it was filed."""

    hours: Decimal


class ReportFiled(OfReport, Event, name="reports.report_filed", entity=place):
    """A problem was reported here."""


class ReportResolved(Closing, Event, name="reports.report_resolved", entity=place, value="hours"):
    """It is solved."""


class ReportRejected(Closing, Event, name="reports.report_rejected", entity=place, value="hours"):
    """It was none: spam, not true, or nothing the city deals with."""


class ReportMerged(Closing, Event, name="reports.report_merged", entity=place, value="hours"):
    """It was reported before; the other report goes on for both."""


class ReportReopened(OfReport, Event, name="reports.report_reopened", entity=place):
    """What was closed is open again."""


class ResidentFiled(OfReport, Event, name="reporters.report_filed", entity=reporter):
    """A resident filed a report."""

    cell: str


class ResidentsResolved(Closing, Event, name="reporters.report_resolved", entity=reporter, value="hours"):
    """A report of the resident's is solved."""


class ResidentsRejected(Closing, Event, name="reporters.report_rejected", entity=reporter, value="hours"):
    """A report of the resident's was refused."""


class ResidentsMerged(Closing, Event, name="reporters.report_merged", entity=reporter, value="hours"):
    """A report of the resident's was one of a known problem."""


class ResidentsReopened(OfReport, Event, name="reporters.report_reopened", entity=reporter):
    """A closed report of the resident's is open again."""
