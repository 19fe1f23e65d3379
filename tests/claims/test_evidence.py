"""Loading evidence: what a file holds is what the corpus holds, and what was there before stays readable."""

import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from claims.evidence import loading
from claims.evidence.sentences import split
from claims.evidence.sources import Text
from claims.models import Corpus, Document, WordCount

BEES = {"id": "bees", "title": "Bees", "url": "https://example.org/bees", "text": "Bees make honey. They dance."}
OAKS = {"id": "oaks", "title": "Oaks", "sentences": ["Oaks are trees.", "Acorns grow on oaks."]}


@pytest.fixture
def load(db, tmp_path, capsys):
    """Loads rows as a file of JSON lines into the corpus `nature`; returns the outcome."""

    def run(*rows, **options):
        path = tmp_path / "nature.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        call_command("load_evidence", "nature", data=path, json=True, **options)
        return json.loads(capsys.readouterr().out)

    return run


def current():
    return {one.external_id: one for one in Document.objects.filter(until=None)}


@pytest.mark.parametrize(
    "text, sentences",
    [
        ("One thing. Another one! And?  Yes.", ["One thing.", "Another one!", "And?", "Yes."]),
        ("Dr. Smith et al. found 3.5 mg (Fig. 2) too low. He left.",
         ["Dr. Smith et al. found 3.5 mg (Fig. 2) too low.", "He left."]),
        ("J. Doe said “no.” Then nothing", ["J. Doe said “no.”", "Then nothing"]),
        (" \n ", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text, sentences):
    assert split(text) == sentences


def test_texts_become_documents_of_sentences(load):
    done = load(BEES, OAKS, title="Nature", licence="CC0 1.0", source_url="https://example.org/")
    assert (done["version"], done["added"], done["bad"]) == (1, 2, 0)
    corpus = Corpus.objects.get()
    assert (corpus.title, corpus.licence, corpus.version, corpus.document_count) == ("Nature", "CC0 1.0", 1, 2)
    bees = current()["bees"]
    assert bees.sentences == ["Bees make honey.", "They dance."]
    assert (bees.body, bees.url, bees.since) == ("Bees\nBees make honey.\nThey dance.", "https://example.org/bees", 1)
    assert Entry.objects.get(action="corpus_loaded").metadata["added"] == 2


def test_loading_the_same_again_changes_nothing(load):
    load(BEES, OAKS)
    before = list(Document.objects.values())
    done = load(OAKS, BEES)
    assert (done["version"], done["unchanged"], done["added"]) == (1, 2, 0)
    assert list(Document.objects.values()) == before
    assert Entry.objects.filter(action="corpus_loaded").count() == 1


def test_a_changed_document_supersedes_and_a_missing_one_is_closed(load):
    load(BEES, OAKS)
    done = load(BEES | {"text": "Bees make honey. They sleep."}, {"id": "elms", "text": "Elms are trees."})
    assert {key: done[key] for key in ("version", "added", "changed", "removed")} == {
        "version": 2, "added": 1, "changed": 1, "removed": 1}  # fmt: skip
    assert list(Document.objects.order_by("external_id", "since").values_list("external_id", "since", "until")) == [
        ("bees", 1, 2), ("bees", 2, None), ("elms", 2, None), ("oaks", 1, 2)]  # fmt: skip
    assert Corpus.objects.get().document_count == 2


def test_a_document_that_comes_back_is_a_third_version(load):
    load(BEES, OAKS)
    load(BEES)
    load(BEES, OAKS)
    assert list(Document.objects.filter(external_id="oaks").order_by("since").values_list("since", "until")) == [
        (1, 2), (3, None)]  # fmt: skip


def test_documents_may_be_added_without_naming_the_rest(load):
    load(BEES)
    done = load(OAKS, keep_missing=True)
    assert (done["removed"], set(current())) == (0, {"bees", "oaks"})


def test_words_are_counted_as_the_corpus_changes(load):
    """What tells rare words from common ones is what counting anew would give."""
    for rows in ([BEES, OAKS], [BEES | {"text": "Bees sleep."}], [OAKS, {"id": "elms", "text": "Elms are trees."}]):
        load(*rows)
        counted = {one.lexeme: one.documents for one in WordCount.objects.all()}
        with connection.cursor() as cursor:
            cursor.execute("SELECT word, ndoc FROM ts_stat('SELECT search FROM claims_document WHERE until IS NULL')")
            assert counted == dict(cursor.fetchall())


def test_a_load_leaves_nothing_for_searches_to_tidy(load):
    load(BEES, OAKS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('document_search')")
        assert cursor.fetchone() == (0,)


def test_a_new_address_is_no_new_text(load):
    load(BEES)
    done = load(BEES | {"url": "https://example.org/moved"})
    assert (done["version"], done["changed"]) == (1, 0)
    assert current()["bees"].url == "https://example.org/moved"


def test_bad_rows_are_named_and_left_out(load, capsys):
    bad = [
        "{not json",
        '["a list"]',
        '{"id": "nul", "text": "a\\u0000b."}',
        '{"id": "half", "text": "a\\ud800b."}',
        {"title": "nobody", "text": "No id."},
        {"id": "blank", "text": "  "},
        {"id": "kinds", "sentences": ["one", 2]},
        {"id": "script", "text": "Hello.", "url": "javascript:alert(1)"},
        {"id": "long", "text": "word " * 30_000},
        {"id": True, "text": "A truth."},
    ]
    with pytest.raises(CommandError, match="10 bad rows"):
        load(*bad)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 10 and told[0].startswith("  row 1 is not JSON") and "row 10: id is no" in told[-1]
    done = load(*bad, OAKS)
    assert (done["bad"], done["added"], set(current())) == (10, 1, {"oaks"})


def test_of_an_id_that_comes_twice_the_first_counts(load):
    done = load(BEES, BEES, BEES | {"text": "Bees sting."}, OAKS)
    assert (done["read"], done["clashes"]) == (2, ["bees"])
    assert current()["bees"].sentences == ["Bees make honey.", "They dance."]


def test_a_dry_run_says_what_would_change_and_changes_nothing(load):
    load(BEES)
    done = load(OAKS, dry_run=True)
    assert (done["added"], done["removed"], done["version"]) == (1, 1, 2)
    assert (set(current()), Corpus.objects.get().version) == ({"bees"}, 1)


def test_sets_are_read_as_their_authors_publish_them(db, tmp_path, capsys):
    (tmp_path / "corpus.jsonl").write_text(
        json.dumps({"doc_id": 7, "title": "Mice", "abstract": ["Mice ran.", "None fell."], "structured": False}) + "\n"
    )
    claim = {"claim_id": "0", "evidences": [{"evidence_id": "Ice:1", "article": "Ice", "evidence": "Ice melts."}]}
    (tmp_path / "climate-fever.jsonl").write_text(json.dumps(claim) + "\n" + json.dumps(claim) + "\n")
    shown = {"wikipedia_page": "Gandhi (film)", "gold_evidence": [{"text": "It won."}], "retrieved_evidence": ["Long."]}
    (tmp_path / "dev.jsonl").write_text(json.dumps(shown) + "\n")
    for name in ("scifact", "climate_fever", "fm2"):
        call_command("load_evidence", name, data=tmp_path)
    assert list(Document.objects.order_by("corpus_id", "id").values_list("corpus_id", "title", "sentences")) == [
        ("climate_fever", "Ice", ["Ice melts."]),
        ("fm2", "Gandhi (film)", ["It won."]),
        ("fm2", "Gandhi (film)", ["Long."]),
        ("scifact", "Mice", ["Mice ran.", "None fell."]),
    ]
    assert Document.objects.get(title="Gandhi (film)", sentences=["Long."]).url.endswith("wiki/Gandhi_%28film%29")
    assert Corpus.objects.get(name="scifact").licence == "ODC-By 1.0"


def test_texts_that_were_shown_to_somebody_never_change(load):
    load(BEES)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.update(body="Bees make mead.")


def texts(count: int):
    for number in range(count):
        yield Text(str(number), f"Title {number}", ("A sentence of some length.",) * 3)


@pytest.mark.django_db(transaction=True)
def test_two_loads_of_one_corpus_take_turns():
    started = threading.Barrier(2)
    versions = []

    def load_some(count):
        try:
            started.wait(5)
            versions.append(loading.load("nature", texts(count), keep_missing=True).version)
        finally:
            connection.close()

    threads = [threading.Thread(target=load_some, args=[count]) for count in (30, 60)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert Document.objects.filter(until=None).count() == 60 == Corpus.objects.get().document_count
    assert max(versions) == Corpus.objects.get().version


def test_memory_stays_flat_however_many_documents_there_are(db):
    import tracemalloc

    def peak(count):
        tracemalloc.start()
        loading.load(f"nature-{count}", texts(count))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4_000) < 1.5 * peak(1_000)
