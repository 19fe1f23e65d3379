"""Texts made by rule, as the public sets have them: for a classifier that is fitted in a second."""

from __future__ import annotations

import random
from pathlib import Path

KINDS = {
    "Pothole": ("road_surface", "Roadway", ["pothole", "asphalt", "pavement", "tyre", "hole", "lane"]),
    "Graffiti": ("graffiti", "Misbehavior", ["graffiti", "spray", "paint", "tag", "wall", "mural"]),
    "Tree Trimming": ("tree", "Vegetation", ["tree", "branch", "limb", "leaves", "trunk", "pruning"]),
    "Street Lamp": ("street_light", "Lighting", ["lamp", "dark", "bulb", "flickers", "night", "light"]),
}
FILLER = ["the", "there", "is", "near", "corner", "please", "fix", "since", "monday", "again", "on", "street"]


def write_sets(folder: Path, *, each: int = 25, seed: int = 7) -> Path:
    """Three small cities; every text says its kind by two of six words, and the rest is filler."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(seed)
    rows = [(title, *KINDS[title], number) for title in KINDS for number in range(each)]
    rng.shuffle(rows)
    texts = [" ".join(rng.sample(words, 2) + rng.sample(FILLER, 6)) for _, _, _, words, _ in rows]
    places = [(33 + number / 50, -84 - number / 50) for number in range(len(rows))]
    common = {"coarse_category": [row[1] for row in rows]}
    seeclickfix = common | {
        "summary": [row[0] for row in rows],
        "description": texts,
        "rating": [1 + ("dark" in text) for text in texts],
        "lat": [place[0] for place in places],
        "lng": [place[1] for place in places],
    }
    atlanta = seeclickfix | {"type_large": [row[2] for row in rows], "vote_count": seeclickfix["rating"]}
    newyork = common | {
        "Title": seeclickfix["summary"],
        "Description": texts,
        "Latitude": seeclickfix["lat"],
        "Longitude": seeclickfix["lng"],
        "Num Of Supporters": seeclickfix["rating"],
    }
    for name, table in (("atlanta_scf", atlanta), ("newhaven_scf", seeclickfix), ("publicstuff_nyc", newyork)):
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    return folder
