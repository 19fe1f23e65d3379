"""What invented residents write, by category: (title, description) with places to fill in. Made up; nobody wrote them.

{spot}: a crossing or a house number. {thing}: something nearby. {days}: a small number.
"""

SENTENCES: dict[str, list[tuple[str, str]]] = {
    "road_surface": [
        ("Pothole at {spot}", "There is a deep pothole at {spot}, right by the {thing}. Cars swerve around it."),
        ("Hole in the road", "Big hole in the roadway near {spot}. My tyre went flat {days} days ago."),
        ("Pavement has sunk", "The asphalt has sunk where the trench was dug at {spot}, in front of the {thing}."),
        ("Road needs patching", "The patch at {spot} came loose again and gravel is everywhere."),
    ],
    "sidewalk": [
        ("Raised sidewalk slab", "A slab of the sidewalk sticks up at {spot}. My neighbour tripped over it."),
        ("Broken kerb ramp", "The ramp at {spot} is broken and wheelchairs cannot get up to the {thing}."),
        ("Sidewalk blocked", "Construction fence blocks the whole sidewalk at {spot} for {days} days."),
    ],
    "sanitation": [
        ("Missed trash pickup", "Our trash at {spot} was not collected, it has been out for {days} days."),
        ("Illegal dumping", "Somebody dumped a mattress and bags of garbage behind the {thing} at {spot}."),
        ("Overflowing litter bin", "The public bin at {spot} overflows and litter blows down the street."),
        ("Recycling left behind", "The truck skipped our recycling at {spot} again."),
    ],
    "snow_ice": [
        ("Street not ploughed", "No plough has come to {spot} for {days} days, cars are stuck in the snow."),
        ("Icy sidewalk", "The sidewalk by the {thing} at {spot} is a sheet of ice, nobody put salt down."),
    ],
    "graffiti": [
        ("Graffiti on wall", "Fresh graffiti on the wall of the {thing} at {spot}."),
        ("Tags on mailbox", "Spray paint tags all over the mailbox and the sign at {spot}."),
        ("Stickers everywhere", "Posters and stickers are glued on every pole around {spot}."),
    ],
    "street_light": [
        ("Street light out", "The street light at {spot} has been out for {days} nights. It is very dark there."),
        ("Lamp flickers", "The lamp post in front of the {thing} at {spot} flickers on and off all night."),
        ("Light burns all day", "The street lamp at {spot} burns during the day too."),
        ("Dark corner", "No lights at all at {spot}, several lamps are dead near the {thing}."),
    ],
    "signal_sign": [
        ("Stop sign down", "The stop sign at {spot} was knocked over and lies on the ground."),
        ("Traffic signal stuck", "The traffic light at {spot} stays red for minutes in one direction."),
        ("Crosswalk paint is gone", "The crosswalk markings near the {thing} at {spot} cannot be seen any more."),
    ],
    "vehicle_parking": [
        ("Car blocks hydrant", "A car is parked in front of the hydrant at {spot} every night."),
        ("Abandoned vehicle", "A van without plates has been parked at {spot} for {days} weeks."),
        ("Double parking", "Delivery trucks double park at {spot} by the {thing} and block the lane."),
    ],
    "tree": [
        ("Fallen branch", "A large branch fell at {spot} and blocks half of the street."),
        ("Dead tree", "The tree in front of the {thing} at {spot} is dead and leans towards the houses."),
        ("Tree needs pruning", "Branches at {spot} hang so low that they hit buses."),
        ("Tree limb on wires", "A limb rests on the wires at {spot} since the storm {days} days ago."),
    ],
    "parks": [
        ("Broken swing", "The swing in the playground by the {thing} near {spot} is broken, a chain came off."),
        ("Bench is rotten", "The park bench near {spot} has rotten planks and nails stick out."),
    ],
    "water_sewer": [
        ("Water main leak", "Water bubbles out of the street at {spot} since this morning."),
        ("Clogged storm drain", "The drain at {spot} is clogged, the corner by the {thing} floods with every rain."),
        ("Sewer smell", "Sewage comes up from the manhole at {spot}."),
        ("Hydrant is leaking", "The fire hydrant at {spot} drips and the sidewalk is always wet."),
    ],
    "building": [
        ("Vacant building open", "The vacant house at {spot} has an open door and people go in."),
        ("Bricks falling", "Bricks fall from the facade of the {thing} at {spot}."),
    ],
    "noise": [
        ("Loud music at night", "Loud music from the {thing} at {spot} until three in the morning, {days} nights now."),
        ("Construction before dawn", "Jackhammers at {spot} start at five in the morning."),
    ],
    "air_quality": [
        ("Smoke from chimney", "Black smoke comes out of the {thing} at {spot} each evening."),
        ("Idling buses", "Buses idle for half an hour at {spot} and the fumes come into our rooms."),
    ],
    "animals_health": [
        ("Rats", "Rats run around the bins behind the {thing} at {spot}, I counted {days}."),
        ("Dead animal", "A dead raccoon lies on the roadway at {spot}."),
    ],
    "safety_police": [
        ("Speeding cars", "Cars race down the street at {spot} every evening, children walk to the {thing} there."),
        ("Broken windows of cars", "Several car windows were smashed at {spot} last night."),
    ],
    "other": [
        ("Question about permits", "Who do I ask about a block party at {spot}?"),
        ("Lost key box", "A box of keys was left on the bench at {spot}, next to the {thing}."),
    ],
}
THINGS = ["bakery", "school", "old mill", "library", "bus stop", "laundry", "church", "corner shop", "clinic", "garage"]
STREETS = ["Alder", "Birch", "Cooper", "Dyer", "Elm", "Ferry", "Grist", "Harrow", "Indigo", "Juniper", "Kiln", "Loom"]
COMMENTS = [
    "Same here, I pass by every day.",
    "Still there this morning.",
    "It got worse since the rain.",
    "Thank you for looking into this!",
    "I saw a crew there yesterday.",
]
ANSWERS = [
    "A crew is scheduled for this week.",
    "We have inspected the site and ordered the parts.",
    "Thank you. The work is done.",
]
SPAM = [
    ("Cheap watches", "Best prices for watches, visit our shop now."),
    ("test", "test test, please ignore"),
    ("Win money", "Click here and win a lot of money today."),
]
