"""The departments and categories a new installation begins with; afterwards their rows are the truth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shipped:
    """A category as it ships. `hours`: how long its department may take until a report is resolved."""

    code: str
    name: str
    department: str
    hours: int
    description: str


DEPARTMENTS = {
    "public_works": "Public Works",
    "transportation": "Transportation",
    "parks": "Parks and Forestry",
    "water": "Water and Sewer",
    "inspections": "Inspections",
    "health": "Health and Animal Control",
    "police": "Public Safety",
    "services": "Resident Services",
}

OTHER = "other"
CATEGORIES = [
    Shipped("road_surface", "Road surface", "public_works", 72, "Potholes, cracks, sunken or broken pavement."),
    Shipped("sidewalk", "Sidewalk", "public_works", 168, "Broken, raised or blocked sidewalks and kerbs."),
    Shipped("sanitation", "Waste", "public_works", 48, "Missed collections, litter, dumping, street cleaning."),
    Shipped("snow_ice", "Snow and ice", "public_works", 24, "Unploughed streets, unshovelled or icy sidewalks."),
    Shipped("graffiti", "Graffiti", "public_works", 168, "Graffiti, stickers and posters."),
    Shipped("street_light", "Street light", "transportation", 120, "Lamps that are out, flicker or burn by day."),
    Shipped("signal_sign", "Signals and signs", "transportation", 48, "Traffic lights, signs and markings."),
    Shipped("vehicle_parking", "Vehicles and parking", "transportation", 24, "Illegal parking, abandoned vehicles."),
    Shipped("tree", "Trees", "parks", 240, "Fallen limbs, dead trees, pruning, stumps."),
    Shipped("parks", "Parks", "parks", 168, "Playgrounds, fields, benches and fountains."),
    Shipped("water_sewer", "Water and sewer", "water", 24, "Leaks, flooding, drains, hydrants, sewers."),
    Shipped("building", "Buildings", "inspections", 240, "Unsafe, vacant or unlawfully used buildings."),
    Shipped("noise", "Noise", "inspections", 48, "Loud music, construction and vehicles."),
    Shipped("air_quality", "Air quality", "inspections", 72, "Smoke, dust, idling engines, smells."),
    Shipped("animals_health", "Animals and health", "health", 48, "Rodents, dead or dangerous animals, hygiene."),
    Shipped("safety_police", "Public safety", "police", 24, "Drugs, speeding, vandalism; not emergencies."),
    Shipped(OTHER, "Other", "services", 120, "What fits nowhere else."),
]


def ship() -> None:
    """Add what is not there. What somebody changed stays as it is."""
    from reports.models import Category, Department

    Department.objects.bulk_create(
        [Department(code=code, name=name) for code, name in DEPARTMENTS.items()], ignore_conflicts=True
    )
    Category.objects.bulk_create(
        [
            Category(
                code=one.code,
                name=one.name,
                department_id=one.department,
                resolve_hours=one.hours,
                description=one.description,
                position=position,
            )
            for position, one in enumerate(CATEGORIES)
        ],
        ignore_conflicts=True,
    )
