"""A text as words: small letters without accents, stems, numbers with their values. Pure."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

LONGEST = 4000  # characters of a text that are read
_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+\d*(?:'[a-z]+)?|%")

STOPWORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being between both
    but by can could did do does doing during each either et al for from further had has have having
    he her here hers him his how i if in into is it its itself may me might more most must my of off
    on once only or other our out over own same shall she should so some such than that the their
    theirs them then there these they this those through to too under until up upon us very via was
    we were what when where whether which while who whom whose why will with within would you your s""".split()
)
NUMERALS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000, "million": 1e6, "billion": 1e9}


class Word(NamedTuple):
    """form: as written, in small letters. at: its place among the text's words. value: of a number.

    is_name: has a capital letter, though not the first of the text. is_content: says something by itself.
    """

    form: str
    stem: str
    at: int
    value: float | None
    is_name: bool
    is_content: bool


@functools.lru_cache(maxsize=1024)
def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text in order; `%` is one of them."""
    plain = text[:LONGEST]
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.replace("\u2019", "'").replace("\u2010", "-"))
        plain = "".join(one for one in plain if not unicodedata.combining(one))
    found = []
    for at, piece in enumerate(_PIECE.findall(plain)):
        form, root, value, capital, content = _read(piece)
        found.append(Word(form, root, at, value, capital and at > 0, content))
    return tuple(found)


@functools.lru_cache(maxsize=50_000)
def _read(piece: str) -> tuple[str, str, float | None, bool, bool]:
    form = piece.lower().removesuffix("'s")
    value = _value(form)
    capital = value is None and piece != "%" and not piece.islower()
    return form, form if value is not None else stem(form), value, capital, form not in STOPWORDS and form != "%"


def _value(form: str) -> float | None:
    if not form[0].isdecimal():
        return NUMERALS.get(form)
    parts = form.split(",")
    in_thousands = len(parts) > 1 and all(len(part.split(".")[0]) == 3 for part in parts[1:])
    try:
        return float(form.replace(",", "" if in_thousands else "."))
    except ValueError:
        return None


_VOWEL = re.compile(r"[aeiouy]")
_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("fulness", "ful"), ("ousness", "ous"),
    ("iveness", "ive"), ("tional", "tion"), ("biliti", "ble"), ("ations", "ate"), ("ation", "ate"), ("ators", "ate"),
    ("ator", "ate"), ("ically", "ic"), ("alism", "al"), ("aliti", "al"), ("iviti", "ive"), ("entli", "ent"),
    ("ousli", "ous"), ("icate", "ic"), ("ative", "ate"), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"),
    ("alli", "al"), ("ness", ""), ("ment", ""), ("ful", ""), ("eli", "e"),
)  # fmt: skip
_LAST = ("ement", "ance", "ence", "able", "ible", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ise", "ion",
         "al", "er", "or", "ic", "ly", "li", "e")  # fmt: skip


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """What the forms of an English word share, more or less: endings cut off in the way of Porter (1980)."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("sses") or (word.endswith("ies") and len(word) > 4):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) > 2 and _VOWEL.search(root):
            if root.endswith(("at", "bl", "iz")):
                word = root + "e"
            elif root[-1] == root[-2] and root[-1] not in "lsz":
                word = root[:-1]
            else:
                word = root
            break
    if word.endswith("y") and len(word) > 3:
        word = word[:-1] + "i"
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + instead
            break
    for ending in _LAST:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    return word
