import pytest

from tests import makers


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.AUDIT_EXPORTS_DIR = tmp_path / "exports"
    return settings.AUDIT_EXPORTS_DIR


@pytest.fixture
def auditor():
    return makers.client(makers.user("auditor"))
