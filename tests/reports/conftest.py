"""Residents, and what they report."""

import pytest

from tests import makers

POTHOLE = {
    "title": "Deep pothole",
    "description": "A pothole as wide as a tyre in the right lane.",
    "latitude": 42.3601,
    "longitude": -71.0589,
    "severity": "high",
}


def tell():
    """What a batch does beside classifying and comparing, which has its own tests."""
    from reports.filing.aftermath import tell_filed
    from reports.models import Waiting

    tell_filed(list(Waiting.objects.select_related("report__reporter").order_by("pk")))


@pytest.fixture
def resident(db):
    return makers.user(reputation=20)


@pytest.fixture
def filed(resident):
    """A report of the resident's, as stored."""
    from reports.filing.services import file_report

    return file_report(by=resident, **POTHOLE)
