"""The optional plug: vectors of texts by a class of one's own."""

import zlib

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from claims import retrieval
from claims.evidence.sources import Text
from claims.retrieval import embedding
from claims.retrieval.search import search

pytestmark = pytest.mark.django_db


class Hashing:
    """Words of five letters' beginnings, counted in 64 slots."""

    def __init__(self, folder):
        self.folder = folder

    def embed(self, texts):
        found = np.full((len(texts), 64), 0.01)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                found[row, zlib.crc32(word[:4].encode()) % 64] += 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def plugged(settings):
    settings.CLAIM_EMBEDDER = "tests.claims.test_embedding.Hashing"


def test_without_an_embedder_nothing_is_asked_for(evidence):
    assert embedding.embedder() is None and embedding.nearest("honey", ["nature"], 5) == []
    with pytest.raises(CommandError, match="names no class"):
        call_command("embed_evidence")


def test_an_embedder_without_its_table_changes_nothing(evidence, plugged):
    assert [one.title for one in retrieval.retrieve("honey")] == ["Bees"]


def test_a_text_is_found_by_meaning_where_no_word_finds_it(evidence, plugged):
    try:
        call_command("embed_evidence")
    except CommandError as error:  # our own server has it; others may not, and only a superuser installs it
        assert "CREATE EXTENSION vector" in str(error)
        pytest.skip("this database has no pgvector")
    evidence(Text("bees", "Bees", ("Bees make honeycombs.",)))
    call_command("embed_evidence", "nature")
    assert search("honeycakes", ["nature"], 5) == []
    found = retrieval.retrieve("honeycakes", corpora=["nature"])
    assert (found[0].title, found[0].score) == ("Bees", 0.0)
    assert retrieval.rank("honeycakes", found)
