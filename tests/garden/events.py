"""What happens on a plot."""

from decimal import Decimal

from features.definitions import Entity, Event

plot = Entity(name="plot", description="A bed in the garden.")


class Watered(Event, name="garden.watered", entity=plot, value="litres"):
    litres: Decimal
    moisture: Decimal | None = None
    gardener: str | None = None


class Harvested(Event, name="garden.harvested", entity=plot, value="kilograms"):
    kilograms: Decimal


class Visited(Event, name="garden.visited", entity=plot):
    """Somebody came by; nothing was measured."""

    gardener: str | None = None
