"""Why a report may be rejected, and what its resident reads then. Codes are stored, so they never change."""

from __future__ import annotations

from dataclasses import dataclass


class UnknownReason(ValueError):
    """No reason has this code."""


@dataclass(frozen=True, slots=True)
class Reason:
    """in_good_faith: it costs the resident no reputation."""

    code: str
    title: str
    public_text: str
    in_good_faith: bool = False


REASONS = {
    reason.code: reason
    for reason in [
        Reason("spam", "Spam or advertising", "We do not take advertising, or messages without a problem."),
        Reason("untrue", "Not true", "We could not find what the report describes."),
        Reason("abusive", "Insults or threats", "We do not deal with reports that insult or threaten people."),
        Reason("not_city", "Not the city's", "The city is not in charge of this.", True),
        Reason("private", "Private matter", "This is between private parties; the city cannot help.", True),
        Reason("unclear", "Cannot be understood", "We could not tell what the problem is or where. Please file it "
               "again with the place and a description.", True),
        Reason("emergency", "An emergency", "In danger call the emergency services; they deal with this.", True),
        Reason("personal", "Shows or names people", "The report shows or names people who did not agree to it. "
               "Please file it again without.", True),
    ]
}  # fmt: skip


def find_reason(code: str) -> Reason:
    """Raises UnknownReason."""
    if code not in REASONS:
        raise UnknownReason("There is no reason of this code.")
    return REASONS[code]
