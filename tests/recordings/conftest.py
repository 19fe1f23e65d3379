"""A program that sends recordings, and a place for their files."""

import pytest

from tests import makers


@pytest.fixture
def media(tmp_path, settings):
    """MEDIA_ROOT, empty."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def receiver(db, media):
    """A client of a program that sends recordings."""
    return makers.client(makers.user("service"))
