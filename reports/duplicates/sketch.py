"""What a report's words and address say, in a form that compares fast. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

SLOTS = 4096  # words are counted by the lowest 12 bits of their CRC-32
WORD = re.compile(r"[a-z0-9_]+")
QUESTIONS = re.compile(  # of the city's form, repeated in each answer
    r"(?:make of the abandoned car|model of the abandoned car|color of the abandoned car|license plate number if "
    r"available|license plate state if available|additional details/comments|the closest intersecting street|how is "
    r"the car parked illegally\?|type of vehicle|vehicle license plate registration|vehicle license plate "
    r"state|details|make|model|color)\s*:"
)
EMPTY = frozenset(
    "a an and are as at be been by for from has have i in is it my no not of on or please that the there they this to "
    "unknown was we were with you".split()
)
COLOURS = {
    word: row[0]
    for row in (
        ("black",),
        ("white",),
        ("grey", "gray", "silver", "greysilver"),
        ("red", "redorange", "maroon", "burgundy", "orange"),
        ("blue",),
        ("green",),
        ("brown", "tan", "gold", "beige", "browngoldtan"),
        ("yellow",),
        ("purple",),
    )
    for word in row
}
MAKES = {
    word: row[0]
    for row in (
        ("chevrolet", "chevy", "chev"),
        ("dodge", "ram"),
        ("mercedes", "benz"),
        ("volkswagen", "vw"),
        *((name,) for name in "acura audi bmw buick cadillac chrysler fiat ford gmc honda hyundai infiniti isuzu "
          "jaguar jeep kia lexus lincoln mack mazda mercury mini mitsubishi nissan oldsmobile plymouth pontiac porsche "
          "saab saturn scion subaru suzuki tesla toyota volvo".split()),
    )
    for word in row
}  # fmt: skip
STREETS = {"street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "place": "pl", "square": "sq"}


@dataclass(frozen=True, slots=True)
class Sketch:
    """slots: of the distinct words. marks: plates, and other words that hold two digits or more.

    houses: first and last house number of the address; None where it has none. street: empty when not known.
    """

    slots: frozenset[int]
    marks: frozenset[str]
    colours: frozenset[str]
    makes: frozenset[str]
    street: str
    houses: tuple[int, int] | None
    characters: int


@dataclass(frozen=True, slots=True)
class Word:
    """What a word may be besides; empty where it is none."""

    slot: int
    mark: str
    colour: str
    make: str


def sketch(text: str, address: str) -> Sketch:
    plain = text.lower()
    found = {*WORD.findall(QUESTIONS.sub(" ", plain) if ":" in plain else plain)} - EMPTY
    words = [_known(word) for word in found]
    street, houses = place(address)
    return Sketch(
        slots=frozenset([word.slot for word in words]),
        marks=frozenset([word.mark for word in words if word.mark]),
        colours=frozenset([word.colour for word in words if word.colour]),
        makes=frozenset([word.make for word in words if word.make]),
        street=street,
        houses=houses,
        characters=len(text),
    )


@lru_cache(maxsize=50_000)
def _known(word: str) -> Word:
    return Word(slot(word), word if _is_mark(word) else "", COLOURS.get(word, ""), MAKES.get(word, ""))


def slot(word: str) -> int:
    return crc32(word.encode()) % SLOTS


@lru_cache(maxsize=10_000)
def place(address: str) -> tuple[str, tuple[int, int] | None]:
    """Street, with both names of a crossing in one order, and the house numbers it begins with."""
    words = WORD.findall(address.lower().split(",")[0].replace("intersection of", ""))
    numbers = [int(word) for word in words if word.isdigit() and len(word) < 6]
    names = sorted(STREETS.get(word, word) for word in words if not word[0].isdigit() and word != "and")
    return " ".join(names), (numbers[0], numbers[-1]) if numbers else None


def _is_mark(word: str) -> bool:
    if word.isalpha():
        return False
    return word.startswith("plate_") or (len(word) >= 3 and sum(map(str.isdigit, word)) >= 2)
