"""What request types say, as categories: rules that read the type's own words, never a resident's text."""

from __future__ import annotations

import functools
import re

# Boston's forms: fields that hold what a person wrote, and fields that were chosen or hold a plate or a place.
FREE = "|".join(
    [
        "details", "additional details/comments", r"what is the nature of the problem\?", "emergency condition",
        "please provide details", "description of the problem", "exact location",
    ]
)  # fmt: skip
CHOSEN = "|".join(
    [
        "make of the abandoned car", "model of the abandoned car", "color of the abandoned car",
        "license plate number if available", "license plate state if available", "the closest intersecting street",
        r"how is the car parked illegally\?", "type of vehicle", "vehicle license plate state",
        "vehicle license plate registration", "vehicle license plate", "make/model", "make", "model", "color",
        "unshovelled location", "unshoveled location", "city owned", "agency name", "specific location",
        r"case \(sr\) type", "referred to", "location", "state", "plate",
    ]
)  # fmt: skip
_FIELD = re.compile(rf"(?P<name>{FREE}|{CHOSEN})(?:\s*:|(?<=\?))", re.I)
_FREE = re.compile(rf"(?:{FREE})$", re.I)


@functools.lru_cache(maxsize=300_000)
def free_text(text: str) -> str:
    """Of a filled-in form only what was written freely, without the names of its fields; other texts as they are."""
    fields = [found for found in _FIELD.finditer(text) if _begins_field(text, found)]
    if not fields:
        return text
    parts = [text[: fields[0].start()]]
    for found, then in zip(fields, [*fields[1:], None], strict=True):
        if _FREE.match(found["name"]):
            parts.append(text[found.end() : then.start() if then else len(text)])
    return " ".join(part.strip(" |[]") for part in parts).strip()


def _begins_field(text: str, found: re.Match[str]) -> bool:
    before = text[: found.start("name")].rstrip()
    return not before or before[-1] in "|]"


def _rules(*pairs: tuple[str, str]) -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(words, re.I)) for kind, words in pairs]


# The first rule that fits wins. "Streets" is no tree, "traffic/road safety" no pothole.
COARSE = _rules(
    ("snow_ice", r"\bsnow|\bice\b|icy|plow|shovel"),
    ("graffiti", r"graffiti|defacement|illegal poster|sticker"),
    ("noise", r"noise|loud music|barking"),
    ("vehicle_parking", r"parking|parked|abandoned (?:auto|veh|car)|driver|vehicle compl|taxi"),
    ("air_quality", r"odou?r|vapor|asbestos|smok|air qual|dust|ventilation|idling"),
    ("animals_health", r"animal|\bdogs?\b|\bcats?\b|rodent|\brats?\b|pigeon|canine|deceased|mosquito|health"),
    ("street_light", r"street ?(?:lamp|light)|lamp"),
    ("signal_sign", r"signal|\bsigns?\b|crosswalk|line/marking|lane marking|st name|traffic light|\bstop\b"),
    ("sidewalk", r"sidewalk|curb"),
    ("road_surface", r"pot ?hole|pavement|paving|cave-in|street repair|rough, pitted|road cond|wear & tear|sinkhole"),
    ("water_sewer", r"drain|catch basin|sewer|\bwater\b|hydrant|flood|manhole"),
    (
        "sanitation",
        r"trash|recycl|garbage|litter|dumping|debris|dirty|street (?:sweep|clean)|bins|refuse|disposal|dump",
    ),
    ("tree", r"\btrees?\b|\btrim|stump|branch|\blimb|^remov"),
    ("parks", r"\bparks?\b|playground"),
    ("building", r"building|construction|private property|vacant|blight|housing|elevator|boiler|no heat"),
    ("safety_police", r"polic|speeding|drug|dangerous|road safety|homeless|theft|prostitut"),
)
ATLANTA = _rules(
    ("Parking", r"parking|abandoned (?:auto|veh)|driver complaint|parked"),
    ("Illegal_sign", r"illegal poster|illegal sign|bandit sign|sign violation"),
    ("Misbehavior", r"graffiti|polic|drug|defacement|homeless|prostitut"),
    ("Lighting", r"street ?(?:lamp|light)|lamp"),
    ("Signage", r"\bsigns?\b(?!al)|st name|bus shelters|street name"),
    ("Traffic", r"traffic|signal|speeding|crosswalk|bicycle|bike|line/marking|road safety|pedestrian"),
    ("Sidewalk", r"sidewalk|curb"),
    ("Roadway", r"pothole|pavement|paving|road|cave-in|wear & tear|street repair|rough, pitted|street cond"),
    ("Vegetation", r"tree|trim|stump|branch|limb|overgrow|weed|grass|^remov"),
    ("Dumping", r"dumping|debris|bulk|improper disposal|dump-out"),
    ("Garbage", r"trash|recycl|garbage|bins|litter|dirty area|missed collection"),
    ("Cleanup", r"street (?:sweep|clean)"),
    ("Drainage", r"drain|catch basin|sewer|water|hydrant|flood|manhole"),
    ("Animal", r"animal|dog|cat\b|rodent|rat\b|pigeon|canine|deceased"),
    ("Delapidated", r"private property|vacant|building|blight|housing"),
    ("Parks", r"park|playground"),
    ("Utilities", r"wire|utility|cable|pole"),
)

# What the text itself says, strictly: only for texts of another city that have no class of their own.
WEAK = _rules(
    ("Parking", r"\bparked (?:on|in|at|for|over)|illegally parked|parking (?:violation|illegally)"),
    ("Parking", r"abandoned (?:car|vehicle)"),
    ("Illegal_sign", r"illegal(?:ly)? (?:posted )?(?:sign|poster|advert|billboard)"),
    ("Illegal_sign", r"signs? (?:taped|stapled|nailed|posted) (?:to|on) (?:pole|tree|utility)"),
    ("Illegal_sign", r"(?:real estate|yard sale|advertis\w+|campaign|political) (?:sign|poster)"),
    ("Misbehavior", r"graffiti|tagged|drug deal|vandal|prostitut|homeless (?:camp|encamp)|panhandl"),
    ("Animal", r"dead (?:animal|raccoon|squirrel|rat|cat|dog|skunk|bird|possum|opossum|deer)"),
    ("Animal", r"deceased animal|stray (?:dog|cat)|road ?kill"),
    ("Parks", r"playground|park bench|ball ?field|tennis court|basketball court|swings?\b|splash pad|dog park"),
    ("Parks", r"in (?:the|this) park\b"),
    ("Utilities", r"(?:low|hanging|downed?|loose|dangling|exposed|broken) (?:\w+ )?(?:wire|cable|line)"),
    ("Utilities", r"utility pole|telephone pole|verizon|comcast|manhole cover"),
    ("Lighting", r"street ?li?ghts? (?:is|are|out|not)|lamp ?post|lights? out"),
    ("Vegetation", r"overgrown|weeds|tree (?:limb|branch|down|fell)|stump|prun"),
    ("Drainage", r"storm drain|catch basin|clogged drain|sewer|hydrant leak|flooding|water main"),
    ("Delapidated", r"(?:vacant|abandoned) (?:house|building|lot|property)|boarded up|dilapidated"),
    ("Sidewalk", r"sidewalk (?:is )?(?:broken|uneven|cracked|buckl|damage|crumbl)"),
    ("Sidewalk", r"(?:broken|uneven|cracked) (?:\w+ )?sidewalk|trip hazard"),
    (
        "Cleanup",
        r"street (?:sweep|clean)|needs? (?:to be )?(?:swept|sweeping)|glass (?:on|in) the (?:street|road|bike)",
    ),
    ("Dumping", r"illegal(?:ly)? dump|dumped|mattress|furniture|couch"),
    ("Garbage", r"recycl\w+ (?:bin|not|was)|trash (?:not|was|pick)|missed (?:trash|pick)"),
    ("Traffic", r"traffic (?:light|signal)|walk signal|crosswalk|bike lane|speed(?:ing| bump| hump)"),
    ("Signage", r"(?:stop|street|yield|one way|no parking|speed limit) sign (?:is |was )?(?:missing|down|broken|bent)"),
    ("Signage", r"(?:missing|broken|bent|fallen) (?:\w+ )?(?:stop|street|yield) sign|sign (?:is )?knocked"),
    ("Roadway", r"pot ?hole|sink ?hole|repav|resurfac"),
)


def coarse_of(title: str) -> str | None:
    return _first(COARSE, title)


def atlanta_of(title: str) -> str | None:
    return _first(ATLANTA, title)


def _first(rules: list[tuple[str, re.Pattern[str]]], title: str) -> str | None:
    return next((kind for kind, words in rules if words.search(title)), None)


def weak_label(text: str) -> str | None:
    """The class whose words stand in the text, if it is exactly one."""
    found = {kind for kind, words in WEAK if words.search(text)}
    return found.pop() if len(found) == 1 else None
