"""Which entries are meant: the words of the console's search box and the filters of the API say it in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit.models import Entry
from base.words import split

EXAMPLE = "actor:user:1 action:task_retried target:task:… status:denied from:2026-06-01 to:2026-06-15"


def target(value: str) -> Q:
    """`loan_request`, or `loan_request:0198…`."""
    entity_type, _, entity_id = value.partition(":")
    return Q(entity_type=entity_type, entity_id=entity_id) if entity_id else Q(entity_type=entity_type)


def actor(value: str) -> Q:
    """`user:5`, `task:loans.try_policy`, or the name of a user."""
    person = None if ":" in value else get_user_model().objects.filter(username=value).first()
    return Q(actor=f"user:{person.pk}") if person else Q(actor=value)


def status(value: str) -> Q:
    if value not in Entry.Status.values:
        raise ValidationError(f"“{value}” is no outcome; there are {', '.join(Entry.Status.values)}.")
    return Q(status=value)


def since(value: str) -> Q:
    return Q(at__gte=moment(value))


def until(value: str) -> Q:
    """Up to a time, or to the end of a day."""
    at = moment(value)
    return Q(at__lt=at + timedelta(days=1)) if _date(value) else Q(at__lte=at)


def moment(value: str) -> datetime:
    """A date or a time, UTC unless it says otherwise. Raises ValidationError with a sentence."""
    try:
        day = _date(value)
        found = datetime.combine(day, time.min) if day else parse_datetime(value)
        if found is not None and 1970 <= found.year <= 9000:
            return found if timezone.is_aware(found) else timezone.make_aware(found)
    except ValueError:
        pass
    raise ValidationError(f"“{value}” is not a date; write 2026-06-15 or 2026-06-15T12:00.")


def _date(value: str) -> date | None:
    return parse_date(value) if "T" not in value else None


# Each is served by an index, and all may be joined.
WORDS: Mapping[str, Callable[[str], Q]] = {
    "actor": actor,
    "action": lambda value: Q(action=value),
    "target": target,
    "status": status,
    "from": since,
    "to": until,
    "correlation": lambda value: Q(correlation_id=value),
}
# What the API takes apart from the words themselves.
FILTERS: Mapping[str, Callable[[str], Q]] = {
    **{word: meaning for word, meaning in WORDS.items() if word != "correlation"},
    "entity_type": lambda value: Q(entity_type=value),
    "entity_id": lambda value: Q(entity_id=value),
    "correlation_id": WORDS["correlation"],
    "q": lambda value: typed(value),
}


def typed(text: str) -> Q:
    """What a person typed: words, and whatever else, which must be an action, an actor or an entity id exactly.

    Raises ValidationError.
    """
    pairs, rest = split(text, WORDS)
    condition = exactly(rest) if rest else Q()
    for word, value in pairs:
        condition &= WORDS[word](value)
    return condition


def exactly(term: str) -> Q:
    """The first meaning that some entry has. Each has its own index; joined by OR they would have none."""
    meanings = [Q(action=term), Q(actor=term), Q(entity_id=term)]
    return next((meaning for meaning in meanings if Entry.objects.filter(meaning).exists()), Q(pk__in=[]))


def filtered(filters: Mapping[str, str]) -> Q:
    """Entries that meet every filter. Raises ValidationError whose message is a dictionary."""
    condition = Q()
    for name, value in filters.items():
        try:
            condition &= FILTERS[name](value)
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from None
    return condition
