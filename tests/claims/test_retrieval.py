"""Documents for a claim, found in PostgreSQL, and the sentences of the best ones."""

import pytest

from claims import retrieval
from claims.evidence.sources import Text
from claims.models import Corpus, WordCount
from claims.retrieval import ranking, search

pytestmark = pytest.mark.django_db

ZINC = Text("zinc", "Zinc and colds", ("Zinc shortens the common cold.", "Colds are common in winter."))


def titles(found):
    return [one.title for one in found]


def counted(corpus="nature"):
    return dict(WordCount.objects.filter(corpus=corpus).values_list("lexeme", "documents"))


def test_rare_words_find_their_document_first(evidence):
    evidence(ZINC, Text("cold", "Winter", ("Winter is cold, and cold is common.",)), name="more")
    found = retrieval.retrieve("Does zinc shorten a common cold?", corpora=["nature", "more"])
    assert titles(found)[0] == "Zinc and colds" and found[0].score > found[1].score > 0
    assert found[0].sentences == ZINC.sentences


def test_only_the_corpora_asked_for_are_searched_and_without_a_name_the_active_ones(evidence):
    evidence(ZINC, name="more")
    assert titles(retrieval.retrieve("zinc honey", corpora=["more"])) == ["Zinc and colds"]
    Corpus.objects.filter(name="more").update(is_active=False)
    assert titles(retrieval.retrieve("zinc honey")) == ["Bees"]


def test_a_load_counts_words_in_and_out(evidence):
    assert (counted()["honey"], "zinc" in counted()) == (1, False)
    evidence(ZINC, Text("bees", "Bees", ("Bees make wax, and zinc is a metal.",)))
    assert (counted().get("honey"), counted()["zinc"], counted()["bee"]) == (None, 2, 1)
    assert Corpus.objects.get(name="nature").mean_words == 5
    assert titles(retrieval.retrieve("Bees make honey")) == ["Bees"]


@pytest.mark.parametrize(
    "text", ["", "the of and", "🐝" * 50, "it's o'neill \\ ' & | ! <-> :*", "x" * 1_000_000, "a\x00b"]
)
def test_a_claim_of_any_signs_finds_nothing_and_breaks_nothing(evidence, text):
    found = retrieval.retrieve(text)
    assert ranking.rank(text, found) == [] or found


def test_a_word_with_quotes_is_one_word():
    assert search.quoted("o'n\\eill") == "'o''n\\\\eill'"


def test_common_words_are_left_out_when_there_are_too_many_documents(monkeypatch):
    monkeypatch.setattr(search, "MOST_POSTINGS", 100)
    assert search.rarest([("honey", 40), ("bee", 60), ("make", 900)]) == [("honey", 40), ("bee", 60)]
    assert search.rarest([("make", 900)]) == [("make", 900)]


def test_the_sentence_that_says_it_comes_before_others_of_its_document(evidence):
    found = retrieval.retrieve("Aloe vera shortens the healing of burns.")
    ranked = retrieval.rank("Aloe vera shortens the healing of burns.", found)
    assert (ranked[0].text, ranked[0].position) == ("Aloe vera shortens the healing of burns.", 0)
    assert 0 <= ranked[-1].rank_score <= ranked[0].rank_score <= 1
    assert [one.title for one, _ in ranking.order("Bees and their honey", found)][0] in ("Aloe and burns", "Bees")
