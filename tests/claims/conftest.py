"""A small corpus, people, and claims about it."""

import pytest

from claims.evidence import loading
from claims.evidence.sources import Text
from tests import makers
from tests.console.conftest import staff  # noqa: F401 - a fixture

ALOE = Text("aloe", "Aloe and burns", ("Aloe vera shortens the healing of burns.", "Ninety patients took part."))
BEES = Text("bees", "Bees", ("Bees make honey from nectar.", "They dance to show the way."))
CLAIM = "Aloe vera shortens the healing of burns."


@pytest.fixture
def evidence(db):
    """Loads texts as the corpus `nature`; without texts the two above. Returns what the load did."""

    def load(*texts, name="nature"):
        return loading.load(name, texts or (ALOE, BEES), title=name.title(), licence="CC0 1.0")

    load()
    return load


@pytest.fixture
def client_user(db):
    return makers.user()


@pytest.fixture
def api(client_user):
    """What a client sends, as that client."""
    return makers.client(client_user)


@pytest.fixture
def claim(client_user):
    from claims.services import submit_claim

    return submit_claim(by=client_user, text=CLAIM)


@pytest.fixture
def verified(claim, evidence):
    """A claim with a verdict, which the evidence supports."""
    from claims.verification.asking import request_verification
    from tasks.testing import run_due

    request_verification(claim_id=claim.pk)
    run_due("default")
    claim.refresh_from_db()
    return claim
