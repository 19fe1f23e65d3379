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


@pytest.fixture
def resident(db):
    return makers.user(reputation=20)


@pytest.fixture
def filed(resident):
    """A report of the resident's, as stored."""
    from reports.filing.services import file_report

    return file_report(by=resident, **POTHOLE)
