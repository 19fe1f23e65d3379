"""The questions a new installation asks; afterwards their rows are the truth."""

from __future__ import annotations

from typing import Any

from reports.open311.models import Attribute

Datatype = Attribute.Datatype


def listed(**names: str) -> list[dict[str, str]]:
    return [{"key": key, "name": name} for key, name in names.items()]


QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "street_light": [
        {"code": "pole", "datatype": Datatype.STRING, "description": "What number is on the pole?"},
        {
            "code": "fault",
            "datatype": Datatype.SINGLE,
            "description": "What is wrong with the lamp?",
            "values": listed(out="It is out", flickers="It flickers", day="It burns by day", broken="Broken"),
        },
    ],
    "graffiti": [
        {
            "code": "surface",
            "datatype": Datatype.MULTI,
            "description": "What is it on?",
            "values": listed(building="A building", sign="A sign", furniture="A bench, box or pole", other="Other"),
        },
        {
            "code": "offensive",
            "datatype": Datatype.SINGLE,
            "description": "Is it hateful or obscene? It is then removed first.",
            "values": listed(yes="Yes", no="No"),
        },
    ],
    "vehicle_parking": [
        {"code": "since", "datatype": Datatype.DATETIME, "description": "Since when does the vehicle stand there?"},
    ],
    "tree": [
        {
            "code": "danger",
            "datatype": Datatype.SINGLE,
            "required": True,
            "description": "Is somebody in danger or a way blocked?",
            "values": listed(yes="Yes", no="No"),
        },
    ],
}


def ship() -> None:
    """Add what is not there. What somebody changed stays as it is."""
    Attribute.objects.bulk_create(
        [
            Attribute(category_id=category, position=position, **question)
            for category, questions in QUESTIONS.items()
            for position, question in enumerate(questions, 1)
        ],
        ignore_conflicts=True,
    )
