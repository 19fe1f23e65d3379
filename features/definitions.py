"""Declare what can happen (`Event`) and what can be known (`FeatureSet`) about an `Entity`.

    borrower = Entity(name="borrower", description="Somebody who asks for loans.")

    class CashDeposit(Event, name="bank.cash_deposit", entity=borrower, value="amount"):
        amount: Decimal
        balance: Decimal | None = None

    class CoreBehavioral(FeatureSet, name="core_behavioral", version="v1", entity=borrower):
        events_30d = agg.count(over=agg.days(30))

Found by autodiscovery in each app's `events.py` and `features.py`.
"""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from features.language import aggregates as agg
from features.language import pure
from features.language.aggregates import Aggregate
from features.language.derived import Derived, evaluate, finished, operands, written
from features.language.extractions import extracts
from features.language.functions import Batch, Computed, feature
from features.language.marks import marks_stale
from features.language.pure import Happening
from features.language.sources import Rows
from features.language.uses import Use, used_by, uses

__all__ = [
    "Batch",
    "Entity",
    "Event",
    "FeatureSet",
    "Happening",
    "InvalidEvent",
    "Rows",
    "Use",
    "agg",
    "event_types",
    "extracts",
    "feature",
    "feature_sets",
    "find_feature_set",
    "marks_stale",
    "used_by",
    "uses",
    "versions_of",
]
Feature = Aggregate | Derived | Computed
LIMIT = Decimal(10) ** 15


class InvalidEvent(ValueError):
    """An event that does not fit its declaration. `field` is the offending key of its data."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Entity:
    """What features are about. `name` is stored in rows and never changes.

    key: what clients call its id, such as `borrower_id`; the name when there is none.
    """

    name: str
    description: str = ""
    key: str = ""


class Event:
    """Something that happened, past tense. Annotated attributes are the keys of its data; a default makes one optional.

    `value` names the key that is kept as the event's typed number. apart: counted only by sets that name it, so that
    a new kind of event does not change what older sets say of its entity.
    """

    name: ClassVar[str] = ""
    entity: ClassVar[Entity]
    value: ClassVar[str | None] = None
    apart: ClassVar[bool] = False

    def __init_subclass__(
        cls, *, name: str = "", entity: Entity | None = None, value: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if value is not None:
            cls.value = value
        if entity is not None:
            cls.entity = entity
        if name:
            if name in _events and _events[name].__qualname__ != cls.__qualname__:
                raise RuntimeError(f"two events are named {name}")
            cls.name = name
            _events[name] = cls

    @classmethod
    def check(cls, data: Mapping[str, Any]) -> Decimal | None:
        """Hold data against the declaration and return its typed value. Keys beyond the declared ones are kept."""
        typed_value = None
        for field, accepted in declared_fields(cls).items():
            if data.get(field) is None:
                if not hasattr(cls, field):
                    raise InvalidEvent(field, "is required")
                continue
            checked = _checked(field, data[field], accepted)
            if field == cls.value:
                typed_value = checked
        return typed_value


_fields: dict[type, dict[str, tuple[type, ...]]] = {}


def declared_fields(cls: type) -> dict[str, tuple[type, ...]]:
    """The keys of an event's data with the types each takes; resolving annotations is slow, so once for each class."""
    if cls not in _fields:
        hints = {k: hint for k, hint in typing.get_type_hints(cls).items() if typing.get_origin(hint) is not ClassVar}
        _fields[cls] = {
            key: tuple(t for t in typing.get_args(hint) if t is not type(None))
            if isinstance(hint, types.UnionType)
            else (hint,)
            for key, hint in hints.items()
        }
    return _fields[cls]


def _checked(field: str, value: Any, accepted: tuple[type, ...]) -> Any:
    if Decimal in accepted:
        return to_decimal(field, value)
    if not any(isinstance(value, t) and (t is bool or not isinstance(value, bool)) for t in accepted):
        raise InvalidEvent(field, f"must be {' or '.join(t.__name__ for t in accepted)}")
    return value


def to_decimal(field: str, value: Any) -> Decimal:
    """A finite number below 10^15 in size, from a JSON number or a decimal string."""
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except (InvalidOperation, ValueError):
        raise InvalidEvent(field, "must be a number") from None
    if not number.is_finite() or not -LIMIT < number < LIMIT:
        raise InvalidEvent(field, "must be a finite number below 10^15")
    if int(number.as_tuple().exponent) < -18:
        raise InvalidEvent(field, "may have at most 18 decimals")
    return number


class FeatureSet:
    """Features of one entity, computed together from one source.

    source: the events that count, None for all of the entity's events that are not apart; or `Rows` of a model.
    freshness: how old a served value should be at most. ttl: from when on it is not served as present any more.
    live: False for a version that is computed but not served to who names no version, until somebody promotes it.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    entity: ClassVar[Entity]
    declared_source: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[tuple[str, ...]] = ()  # what that comes to; empty for all events
    rows: ClassVar[Rows | None] = None
    owner: ClassVar[str] = ""
    tags: ClassVar[tuple[str, ...]] = ()
    freshness: ClassVar[timedelta] = timedelta(days=1)
    ttl: ClassVar[timedelta | None] = None
    live: ClassVar[bool] = True
    features: ClassVar[dict[str, Feature]] = {}

    def __init_subclass__(
        cls,
        *,
        name: str,
        version: str,
        entity: Entity,
        source: Sequence[type[Event]] | type[Event] | Rows | None = None,
        owner: str = "",
        tags: Sequence[str] = (),
        freshness: timedelta = timedelta(days=1),
        ttl: timedelta | None = None,
        live: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.version, cls.entity = name, version, entity
        cls.rows = source if isinstance(source, Rows) else None
        events = [] if source is None or isinstance(source, Rows) else [source] if isinstance(source, type) else source
        cls.declared_source = tuple(sorted(event.name for event in events))
        cls.source = cls.declared_source or (() if cls.rows else _all_but_apart(entity))
        cls.owner, cls.tags, cls.freshness, cls.ttl, cls.live = owner, tuple(tags), freshness, ttl, live
        cls.features = {key: value for key, value in vars(cls).items() if isinstance(value, Feature)}
        if not cls.features:
            raise RuntimeError(f"{name}@{version} declares no features")
        _check_derived(cls)
        known = _sets.get((name, version))
        if known is not None and known.__module__ != cls.__module__:
            raise RuntimeError(f"two feature sets are {name}@{version}")
        _sets[name, version] = cls

    @classmethod
    def label(cls) -> str:
        return f"{cls.name}@{cls.version}"

    @classmethod
    def aggregates(cls) -> dict[str, Aggregate]:
        return {name: declared for name, declared in cls.features.items() if isinstance(declared, Aggregate)}

    @classmethod
    def functions(cls) -> dict[str, Computed]:
        return {name: declared for name, declared in cls.features.items() if isinstance(declared, Computed)}

    @classmethod
    def derived(cls) -> dict[str, Derived]:
        return {name: declared for name, declared in cls.features.items() if isinstance(declared, Derived)}

    @classmethod
    def name_of(cls, wanted: Any) -> str:
        return next(name for name, declared in cls.features.items() if declared is wanted)

    @classmethod
    def definition(cls) -> dict[str, Any]:
        """What makes a value what it is. Text for people (description, owner, tags) is not part of it."""
        features = {
            name: {
                "kind": declared.kind,
                "data_type": declared.data_type,
                "unit": declared.unit,
                "expression": written(declared.expression, cls.name_of),
            }
            if isinstance(declared, Derived)
            else declared.definition()
            for name, declared in cls.features.items()
        }
        source = list(cls.declared_source) if cls.rows is None else cls.rows.definition()
        return {"entity": cls.entity.name, "source": source, "features": features}

    @classmethod
    def checksum(cls) -> str:
        """SHA-256 of the canonical definition, hexadecimal."""
        canonical = json.dumps(cls.definition(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def compute(cls, events: Sequence[pure.Happening], as_of: datetime) -> dict[str, Any]:
        """The features of one entity from its events, in plain Python: for tests, and as the meaning of the words."""
        counted = [event for event in events if not cls.source or event.event_type in cls.source]
        values = {name: pure.evaluate(aggregate, counted, as_of) for name, aggregate in cls.aggregates().items()}
        seen = sorted((e for e in counted if e.event_time <= as_of), key=lambda e: (e.event_time, e.number))
        for name, function in cls.functions().items():
            [values[name]] = function.compute(Batch([""], [as_of], [seen]))
        return cls.complete(values)

    @classmethod
    def complete(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The values with the derived ones, in the order of declaration."""
        known = {id(cls.features[name]): value for name, value in values.items()}
        for name, derived in cls.derived().items():
            result = evaluate(derived.expression, lambda operand: known[id(operand)])
            known[id(derived)] = values[name] = finished(result, derived.data_type)
        return {name: values[name] for name in cls.features}


def _all_but_apart(entity: Entity) -> tuple[str, ...]:
    """The types of an entity's events that sets without a source count; empty when they are simply all."""
    declared = [event for event in _events.values() if event.entity == entity]
    if not any(event.apart for event in declared):
        return ()
    return tuple(sorted(event.name for event in declared if not event.apart))


def _check_derived(cls: type[FeatureSet]) -> None:
    """A derived feature stands on features declared above it in its own set."""
    above: set[int] = set()
    for name, declared in cls.features.items():
        if isinstance(declared, Derived):
            _ = declared.data_type  # refuses what cannot be calculated with
            if not above.issuperset(map(id, operands(declared.expression))):
                raise RuntimeError(f"{cls.label()}: {name} may only use features declared above it in its set")
        above.add(id(declared))


_events: dict[str, type[Event]] = {}
_sets: dict[tuple[str, str], type[FeatureSet]] = {}


def event_types() -> dict[str, type[Event]]:
    return _events


def feature_sets(*, entity: str | None = None) -> list[type[FeatureSet]]:
    return [s for _, s in sorted(_sets.items()) if entity is None or s.entity.name == entity]


def entities() -> dict[str, Entity]:
    """Every declared entity, by name."""
    found = [event.entity for event in _events.values()] + [s.entity for s in _sets.values()]
    return {entity.name: entity for entity in found}


def find_feature_set(name: str, version: str | None = None) -> type[FeatureSet] | None:
    """A set by name; without a version the newest one, live or not."""
    return next(iter(versions_of(name)), None) if version is None else _sets.get((name, version))


def versions_of(name: str) -> list[type[FeatureSet]]:
    """Every version of a set, newest first (v10 is newer than v9)."""
    found = [s for (n, _), s in _sets.items() if n == name]
    return sorted(found, key=lambda s: (len(s.version), s.version), reverse=True)
