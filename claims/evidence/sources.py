"""Known sets of evidence, and the general form, as documents in our words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from claims.evidence.files import BadRow, Rows
from claims.evidence.sentences import split

LONGEST = {"id": 200, "title": 500, "url": 1_000}
MAX_SENTENCES = 2_000
MAX_CHARACTERS = 100_000  # of title and sentences; what full text search can hold is ten times as much
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """A document as its source has it."""

    id: str
    title: str
    sentences: tuple[str, ...]
    url: str = ""

    @property
    def body(self) -> str:
        return "\n".join([self.title, *self.sentences] if self.title else self.sentences)

    @property
    def sha256(self) -> str:
        told = json.dumps([self.title, self.sentences], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """A published set: what its corpus is called, what may be done with it, and how a row is read.

    files: names without suffix that the evidence has in its folder. read: the documents of one row.
    """

    title: str
    licence: str
    url: str
    files: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Iterable[Text]]


def documents(rows: Rows, read: Callable[[Mapping[str, Any]], Iterable[Text]]) -> Iterator[Text | BadRow]:
    """Every document of a file, or why a row holds none; each BadRow names its row."""
    for number, row in rows:
        if isinstance(row, BadRow):
            yield BadRow(f"row {number} {row}")
            continue
        try:
            yield from [_checked(text) for text in read(row)]
        except BadRow as error:
            yield BadRow(f"row {number}: {error}")


def general(row: Mapping[str, Any]) -> Iterator[Text]:
    """`id`, `title`, `url`, and `sentences` (a list) or `text`, which is split into sentences."""
    yield Text(_id(row, "id"), _text(row, "title"), _sentences(row), _text(row, "url"))


def scifact(row: Mapping[str, Any]) -> Iterator[Text]:
    """An abstract of Semantic Scholar's corpus, sentence by sentence."""
    number = _id(row, "doc_id")
    url = f"https://api.semanticscholar.org/CorpusID:{number}"
    yield Text(number, _text(row, "title"), _listed(row, "abstract"), url)


def climate_fever(row: Mapping[str, Any]) -> Iterator[Text]:
    """Sentences of Wikipedia, each a document: a row of the pool, or the `evidences` of a claim."""
    for one in row["evidences"] if isinstance(row.get("evidences"), list) else [row]:
        article, sentence = _text(one, "article"), _text(one, "evidence")
        yield Text(_id(one, "evidence_id"), article, (sentence,), _wikipedia(article))


def fm2(row: Mapping[str, Any]) -> Iterator[Text]:
    """What the authors of a claim were shown of its page, each sentence a document."""
    page = _text(row, "wikipedia_page")
    for kind in ("gold_evidence", "retrieved_evidence"):
        for one in row.get(kind) or ():
            sentence = _text(one, "text") if isinstance(one, Mapping) else _of_type(one, kind)
            digest = hashlib.sha256(sentence.encode(errors="replace")).hexdigest()[:16]
            yield Text(f"{page[:180]}:{digest}", page, (sentence,), _wikipedia(page))


def fever_symmetric(row: Mapping[str, Any]) -> Iterator[Text]:
    """The evidence sentence of a pair."""
    sentence = _text(row, "evidence") or _text(row, "evidence_sentence")
    digest = hashlib.sha256(sentence.encode(errors="replace")).hexdigest()[:16]
    yield Text(digest, "", (sentence,))


SOURCES = {
    "scifact": Source(
        "SciFact: abstracts of research papers",
        "ODC-By 1.0",
        "https://github.com/allenai/scifact",
        ("corpus",),
        scifact,
    ),
    "climate_fever": Source(
        "Climate-FEVER: sentences of Wikipedia on the climate",
        "CC BY-SA (Wikipedia)",
        "https://github.com/tdiggelm/climate-fever-dataset",
        ("evidence_pool", "climate-fever"),
        climate_fever,
    ),
    "fm2": Source(
        "Fool Me Twice: sentences of Wikipedia",
        "Apache-2.0; text CC BY-SA (Wikipedia)",
        "https://github.com/google-research/fool-me-twice",
        ("dev", "train", "test"),
        fm2,
    ),
    "fever_symmetric": Source(
        "FEVER-Symmetric: evidence sentences",
        "MIT; text CC BY-SA (Wikipedia)",
        "https://github.com/TalSchuster/FeverSymmetric",
        ("dev", "fever_symmetric_dev"),
        fever_symmetric,
    ),
}


def _wikipedia(page: str) -> str:
    return f"https://en.wikipedia.org/wiki/{quote(page.replace(' ', '_'))}"[: LONGEST["url"]]


def _id(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadRow(f"{name} is missing" if value in (None, "") else f"{name} is no text and no number")
    return str(value)


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row, Mapping):
        raise BadRow("holds something that is no object")
    value = row.get(name)
    return "" if value is None else _of_type(value, name)


def _of_type(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRow(f"{name} is no text")
    return value


def _listed(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name)
    if not isinstance(value, list):
        raise BadRow(f"{name} is missing" if value is None else f"{name} is no list")
    return tuple(_of_type(one, name) for one in value)


def _sentences(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row.get("sentences") is not None:
        return _listed(row, "sentences")
    return tuple(split(_text(row, "text")))


def _checked(text: Text) -> Text:
    """The text with white space trimmed, if it can be kept and searched. Blank sentences keep their place."""
    sentences = tuple(sentence.strip() for sentence in text.sentences)
    kept = Text(text.id.strip(), text.title.strip(), sentences, text.url.strip())
    if not kept.id or not any(sentences):
        raise BadRow(f"{kept.id} has no sentences" if kept.id else "id is missing")
    for name, value in (("id", kept.id), ("title", kept.title), ("url", kept.url)):
        if len(value) > LONGEST[name]:
            raise BadRow(f"{name} may have at most {LONGEST[name]} characters")
    if kept.url and not kept.url.startswith(("https://", "http://")):
        raise BadRow("url is no web address")
    if len(sentences) > MAX_SENTENCES or len(kept.body) > MAX_CHARACTERS:
        raise BadRow(f"{kept.id} has more than {MAX_SENTENCES:,} sentences or {MAX_CHARACTERS:,} characters")
    if any(UNSTORABLE.search(value) for value in (kept.id, kept.url, kept.body)):
        raise BadRow("holds NUL or half characters")
    return kept
