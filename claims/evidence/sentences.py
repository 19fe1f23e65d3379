"""Plain text in sentences, for sources that do not say where theirs end."""

import re

# A full stop after one of these ends no sentence, and neither does one after a single capital.
ABBREVIATIONS = (
    "al approx ca cf dr e.g eq etc fig figs i.e inc jr mr mrs ms no nos p pp prof sp spp sr st vol vs".split()
)
END = re.compile(r"""[.!?]+["'”’)\]]*\s+(?=["'“‘(\[]?[A-Z0-9])""")
LAST_WORD = re.compile(r"[\w.]+$")


def split(text: str) -> list[str]:
    """The sentences in order, with white space collapsed; none for a blank text."""
    text = " ".join(text.split())
    found, start = [], 0
    for end in END.finditer(text):
        if not _goes_on(text[start : end.start()], end.group()):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, text[start:]] if start < len(text) else found


def _goes_on(before: str, mark: str) -> bool:
    word = LAST_WORD.search(before)
    if word is None or mark.strip() != ".":
        return False
    return word.group().lower() in ABBREVIATIONS or re.fullmatch(r"[A-Z]", word.group()) is not None
