"""``python docs/buildings.py``: make the buildings that ship, an office, a hospital wing and a school.

A building is a list of rectangular rooms and of doors between them. Walls are the rooms' borders without the
doors. Waypoints stand in the middle of rooms, in doors, and in corridors in front of doors; all edges run
along x or y between whole or half metres.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmarlsim.exporting import export
from cmarlsim.storage.toml import readable_toml

DATA = Path(__file__).parents[1] / "data"
DOOR = 1.0
"""Width of a door in metres."""

Toml = dict[str, Any]
Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]


@dataclass
class Storey:
    """Rooms by name, corridors by name, and doors: two rooms, and where the door stands."""

    rooms: dict[str, Rectangle] = field(default_factory=dict)
    corridors: dict[str, Rectangle] = field(default_factory=dict)
    doors: list[tuple[str, str, Point]] = field(default_factory=list)
    passages: list[tuple[str, str, Point]] = field(default_factory=list)
    """Where two corridors are open to each other, as wide as their common border."""

    @property
    def spaces(self) -> dict[str, Rectangle]:
        """Rooms and corridors."""
        return self.rooms | self.corridors


def row_of(names: Iterable[str], x: float, width: float, y: tuple[float, float]) -> dict[str, Rectangle]:
    """Rooms side by side from `x` on, each `width` wide, between two heights."""
    return {name: (x + i * width, y[0], x + (i + 1) * width, y[1]) for i, name in enumerate(names)}


def without(low: float, high: float, holes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of an interval without the holes."""
    parts = []
    for start, stop in sorted(holes):
        if stop > low and start < high:
            parts.append((low, start))
            low = max(low, stop)
    return [part for part in [*parts, (low, high)] if part[0] < part[1]]


def joined(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Intervals that touch or overlap, made one."""
    result: list[tuple[float, float]] = []
    for low, high in sorted(intervals):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


def border_of(a: Rectangle, b: Rectangle) -> tuple[Point, Point]:
    """The common border of two rectangles."""
    low = max(a[0], b[0]), max(a[1], b[1])
    high = min(a[2], b[2]), min(a[3], b[3])
    return low, high


def door_of(storey: Storey, a: str, b: str, at: Point) -> tuple[Point, Point]:
    """Both ends of the door at a point between two rooms."""
    (x, y), (right, top) = border_of(storey.spaces[a], storey.spaces[b])
    half = DOOR / 2
    ends = ((x, at[1] - half), (x, at[1] + half)) if x == right else ((at[0] - half, y), (at[0] + half, y))
    assert x <= ends[0][0] <= ends[1][0] <= right, f"the door from {a} to {b} is not in their wall"
    assert y <= ends[0][1] <= ends[1][1] <= top, f"the door from {a} to {b} is not in their wall"
    return ends


def walls_of(storey: Storey) -> list[Toml]:
    """The rooms' borders without the doors and passages."""
    lines: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
    for x, y, right, top in storey.spaces.values():
        for height in (y, top):
            lines["y", height].append((x, right))
        for side in (x, right):
            lines["x", side].append((y, top))
    holes: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
    gaps = [door_of(storey, *door) for door in storey.doors]
    gaps += [border_of(storey.spaces[a], storey.spaces[b]) for a, b, _ in storey.passages]
    for (x, y), (right, top) in gaps:
        if x == right:
            holes["x", x].append((y, top))
        else:
            holes["y", y].append((x, right))
    walls = []
    for (axis, at), intervals in sorted(lines.items()):
        for low, high in joined(intervals):
            for part in without(low, high, holes[axis, at]):
                walls.append({"points": [[at, end] if axis == "x" else [end, at] for end in part]})
    return walls


def middle(rectangle: Rectangle) -> Point:
    """Middle of a rectangle."""
    return (rectangle[0] + rectangle[2]) / 2, (rectangle[1] + rectangle[3]) / 2


def spine_point(corridor: Rectangle, at: Point) -> Point:
    """The point of a corridor's middle line that is nearest to a point on its border."""
    x, y = middle(corridor)
    return (at[0], y) if corridor[2] - corridor[0] > corridor[3] - corridor[1] else (x, at[1])


class Ways:
    """Waypoints and edges, put together one by one; a waypoint where one stands already is that one."""

    def __init__(self) -> None:
        self.names: dict[Point, str] = {}
        self.edges: list[list[str]] = []

    def stand(self, name: str, at: Point) -> str:
        """Name of the waypoint at a point, a new one if there is none."""
        return self.names.setdefault(at, name)

    def lead(self, a: str, b: str) -> None:
        """Add an edge, if it is none from a waypoint to itself."""
        if a != b:
            self.edges.append([a, b])


def ways_of(storey: Storey) -> Ways:
    """Room, door, corridor: the ways through a storey."""
    ways, along = Ways(), defaultdict(list)
    for name, rectangle in storey.rooms.items():
        ways.stand(name, middle(rectangle))
    for a, b, at in storey.doors:
        door = ways.stand(f"door {a}", at)
        for space in (a, b):
            if space in storey.corridors:
                foot = spine_point(storey.corridors[space], at)
                along[space].append(foot)
                ways.lead(door, ways.stand(f"before {a}", foot))
            else:
                ways.lead(ways.names[middle(storey.rooms[space])], door)
    for a, b, at in storey.passages:
        for corridor in (a, b):
            foot = spine_point(storey.corridors[corridor], at)
            along[corridor].append(foot)
            ways.lead(ways.stand(f"{a} to {b}", at), ways.stand(f"{corridor} by {a} to {b}", foot))
    for feet in along.values():
        stops = [ways.names[foot] for foot in sorted(set(feet))]
        for pair in itertools.pairwise(stops):
            ways.lead(*pair)
    return ways


def moved(points: Iterable[Iterable[float]], right: float) -> list[list[float]]:
    """Points farther to the right."""
    return [[x + right, y] for x, y in points]


def corners(rectangle: Rectangle) -> list[Point]:
    """Corners of a rectangle, counter-clockwise."""
    x, y, right, top = rectangle
    return [(x, y), (right, y), (right, top), (x, top)]


def around(storey: Storey, right: float, margin: float = 1.0) -> list[float]:
    """A rectangle round a storey that stands so far to the right."""
    x, y, far, top = zip(*storey.spaces.values(), strict=True)
    return [min(x) + right - margin, min(y) - margin, max(far) + right + margin, max(top) + margin]


def plan_of(name: str, storeys: Mapping[str, Storey], lifts: Mapping[str, float], apart: float = 0.0) -> Toml:
    """Floor plan of storeys side by side, `apart` metres from one to the next.

    Parameters
    ----------
    lifts
        Rooms, of the same names on all storeys, that are a lift to the next storey, and the length of a ride.
    """
    plan: Toml = {"name": name, "tiles": "rooms", "edges": [], "walls": [], "rooms": [], "doors": []}
    plan["waypoints"] = []
    for i, (level, storey) in enumerate(storeys.items()):
        right, named = i * apart, f"{level} " if len(storeys) > 1 else ""
        if len(storeys) > 1:
            plan.setdefault("levels", []).append({"name": level, "rectangle": around(storey, right)})
        plan["walls"] += [{"points": moved(wall["points"], right)} for wall in walls_of(storey)]
        for space, box in storey.spaces.items():
            plan["rooms"].append({"name": named + space, "polygon": moved(corners(box), right)})
        for a, b, at in storey.doors:
            ends = moved(door_of(storey, a, b, at), right)
            plan["doors"].append({"name": f"{named}door {a}", "points": ends})
        ways = ways_of(storey)
        for point, waypoint in ways.names.items():
            plan["waypoints"].append({"name": named + waypoint, "position": moved([point], right)[0]})
        plan["edges"] += [[named + a, named + b] for a, b in ways.edges]
    for (lower, upper), (lift, length) in itertools.product(itertools.pairwise(storeys), lifts.items()):
        ends = [f"{lower} {lift}", f"{upper} {lift}"]
        plan["edges"].append({"ends": ends, "length": length, "lift": lift})
    return plan


def office() -> Toml:
    """Twelve rooms on both sides of a corridor."""
    storey = Storey(corridors={"corridor": (0, 7, 30, 9)})
    north = ["office 1", "office 2", "office 3", "office 4", "office 5", "office 6"]
    south = ["reception", "kitchen", "meeting", "workshop", "archive", "server room"]
    storey.rooms = row_of(north, 0, 5, (9, 16))
    x = 0
    for name, width in zip(south, (6, 4, 6, 6, 4, 4), strict=True):
        storey.rooms[name] = (x, 0, x + width, 7)
        x += width
    storey.doors = [(name, "corridor", (middle(storey.rooms[name])[0], 9)) for name in north]
    storey.doors += [(name, "corridor", (middle(storey.rooms[name])[0], 7)) for name in south]
    return plan_of("office", {"ground floor": storey}, {})


def hospital() -> Toml:
    """A wing of 24 rooms round a core, with a corridor on either side of it."""
    corridors = {
        "north": (0, 16, 44, 18),
        "south": (0, 6, 44, 8),
        "west": (0, 8, 2, 16),
        "east": (42, 8, 44, 16),
    }
    storey = Storey(corridors={f"corridor {side}": box for side, box in corridors.items()})
    rows = (
        ("north", "ward", row_of([f"ward {i + 1}" for i in range(8)], 2, 5, (18, 24)), 18),
        ("north", "core", row_of(["nurses north", "store", "surgery 1", "surgery 2"], 2, 10, (12, 16)), 16),
        ("south", "core", row_of(["nurses south", "pharmacy", "x-ray", "laboratory"], 2, 10, (8, 12)), 8),
        ("south", "ward", row_of([f"ward {i + 9}" for i in range(8)], 2, 5, (0, 6)), 6),
    )
    for side, _, rooms, y in rows:
        storey.rooms |= rooms
        storey.doors += [(name, f"corridor {side}", (middle(box)[0], y)) for name, box in rooms.items()]
    for side, x in (("west", 1), ("east", 43)):
        storey.passages.append(("corridor north", f"corridor {side}", (x, 16)))
        storey.passages.append(("corridor south", f"corridor {side}", (x, 8)))
    return plan_of("hospital", {"wing": storey}, {})


def school() -> Toml:
    """Two storeys, joined by stairs at one end and a lift at the other."""
    south = {
        "ground": (("hall", 16), ("canteen", 12), ("library", 12)),
        "upper": (("science", 10), ("computers", 10), ("art", 10), ("music", 10)),
    }
    storeys = {}
    for floor, (level, rooms) in enumerate(south.items()):
        storey = Storey(corridors={"corridor": (0, 8, 40, 10)})
        storey.rooms = row_of([f"class {4 * floor + i + 1}" for i in range(4)], 4, 8, (10, 18))
        storey.rooms |= {"stairs": (0, 10, 4, 18), "lift": (36, 10, 40, 18)}
        storey.doors = [(name, "corridor", (middle(box)[0], 10)) for name, box in storey.rooms.items()]
        x = 0
        for name, width in rooms:
            storey.rooms[name] = (x, 0, x + width, 8)
            storey.doors.append((name, "corridor", (x + width / 2, 8)))
            x += width
        storeys[level] = storey
    return plan_of("school", storeys, {"stairs": 12.0, "lift": 20.0}, apart=50)


SHARES = (0.5, 0.7, 0.9, 1.1)
"""Thresholds of zones, in turn, in parts of their mean."""


def scenario_of(plan: Toml, N: int, T0: int, load: float = 0.7) -> Toml:
    """A team of N agents for all rooms of a plan but corridors, stairs and lifts."""
    rooms = [room["name"] for room in plan["rooms"]]
    rooms = [
        name
        for name in rooms
        if not name.split()[-1].startswith(("stairs", "lift")) and "corridor" not in name
    ]
    shares = [SHARES[i % len(SHARES)] for i in range(len(rooms))]
    unit = load * (N - 1) / sum(shares)
    return {
        "name": plan["name"],
        "floorplan": plan["name"],
        "agents": {"N": N, "speed": 1.0},
        "dual": {"alpha": 0.01, "eta": 0.5, "T0": T0},
        "links": {"model": "sight-or-disc", "d": 5.0},
        "zones": [
            {"name": name, "room": name, "c": round(unit * share, 3)}
            for name, share in zip(rooms, shares, strict=True)
        ],
    }


def main() -> None:
    """Write the floor plans, the scenarios, and the office as a map of ROS."""
    for plan, N, T0 in ((office(), 8, 150), (hospital(), 16, 250), (school(), 10, 250)):
        about = f"# {plan['name'].capitalize()}: made by `python docs/buildings.py`, to try things out.\n\n"
        for folder, toml in (("floorplans", plan), ("scenarios", scenario_of(plan, N, T0))):
            path = DATA / folder / f"{plan['name']}.toml"
            path.write_text(about + readable_toml(toml), encoding="utf-8")
    export("office", as_="ros", resolution=0.1, out=DATA / "maps" / "office.yaml", force=True)


if __name__ == "__main__":
    main()
