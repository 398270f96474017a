"""Rooms of plans that consist of walls and doors: what these enclose, once doorways are closed."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Door, Room
from cmarlsim.maps.names import distinct

WIDEST, STRAIGHT = 2.5, 1.6
"""Metres of a doorway between the ends of two walls, and between the end of one and the side of another."""

LARGEST_TURN = math.radians(30)
"""Angle between a wall and the doorway that goes on from its end, at most."""

SMALLEST_ROOM = 2.0
"""Square metres; less is a shaft or the inside of a wall."""

ON_FLOOR = 0.1
"""Part of a room that lies on a floor at least, where the file has floors: other spaces are yards."""

SLIT = 1e-3
"""Metres of the slit that makes one outline of a room around another one."""

EXACT, SHORTEST = 1e-6, 1e-3
"""Metres within which ends of walls are the same point, and of walls that may be left out."""

Corner = tuple[float, float]
Label = tuple[str, Floats]
"""A name, and the point that it stands at, (2,)."""


def enclosed_rooms(
    walls: Sequence[Floats], doors: Sequence[Door], labels: Sequence[Label], floors: Sequence[Floats]
) -> tuple[Room, ...]:
    """The rooms between walls, doors and doorways, from top to bottom and left to right.

    Parameters
    ----------
    labels
        A room has the name of the first of them that lies in it, and else a number.
    floors
        Outlines of floors, (n, 2) each; if there are some, rooms lie on them.
    """
    from shapely import LineString, Point, Polygon, get_parts, polygonize, union_all

    lines = [LineString(wall) for wall in walls] + [LineString(door.ends) for door in doors]
    if not lines:
        return ()
    noded = _noded(lines)
    faces = polygonize([_noded([*get_parts(noded), *_doorways(noded)])]).geoms
    ground = union_all([Polygon(floor).buffer(0) for floor in floors]) if floors else None
    rooms = [
        face
        for face in faces
        if face.area >= SMALLEST_ROOM
        and (ground is None or ground.intersection(face).area >= ON_FLOOR * face.area)
    ]
    rooms.sort(key=lambda room: (-round(room.bounds[3]), room.bounds[0]))
    names = [next((name for name, at in labels if room.contains(Point(at))), "") for room in rooms]
    given = distinct(name or f"room {i + 1}" for i, name in enumerate(names))
    return tuple(Room(name, _outline(room)) for name, room in zip(given, rooms, strict=True))


def _noded(lines: Sequence[Any]) -> Any:
    """Lines that are cut where they meet, with ends that are the same where they are nearly so."""
    from shapely import GEOSException, union_all

    try:
        return union_all(lines, grid_size=EXACT)
    except GEOSException:  # of lines about as long as that
        return union_all([line for line in lines if line.length > SHORTEST])


def _doorways(noded: Any) -> list[Any]:
    """Lines that close the gaps which walls leave: from their loose ends on to the next wall."""
    from shapely import LineString, Point, STRtree, get_parts

    parts = get_parts(noded)
    tree, found = STRtree(parts), []
    loose = _loose_ends(parts)
    for before, end in loose:
        along = np.subtract(end, before) / math.dist(before, end)
        ahead = [
            other
            for _, other in loose
            if EXACT < math.dist(end, other) <= WIDEST
            and np.dot(along, np.subtract(other, end)) >= math.cos(LARGEST_TURN) * math.dist(end, other)
        ]
        ray = LineString([end + 10 * EXACT * along, end + STRAIGHT * along])
        hits = [part for i in tree.query(ray) for part in get_parts(parts[i].intersection(ray))]
        if ahead:
            found.append(LineString([end, min(ahead, key=lambda other: math.dist(end, other))]))
        elif hits:
            away = min(hit.distance(Point(end)) for hit in hits)
            found.append(LineString([end, end + (away + 10 * EXACT) * along]))
    return found


def _loose_ends(parts: Sequence[Any]) -> list[tuple[Corner, Corner]]:
    """Segments of lines that end where no other begins, with that end last."""
    segments = [pair for part in parts for pair in itertools.pairwise(part.coords)]
    degree = Counter(end for pair in segments for end in pair)
    return [pair for a, b in segments for pair in ((a, b), (b, a)) if degree[pair[1]] == 1]


def _outline(room: Any) -> Floats:
    """Corners of a room, (n, 2); slits lead from what lies in it to its border."""
    from shapely import LineString
    from shapely.ops import nearest_points

    while room.interiors:
        hole = room.interiors[0]
        rest = [room.exterior, *room.interiors[1:]]
        border = min(rest, key=hole.distance)
        slit = LineString(nearest_points(hole, border)).buffer(SLIT / 2, cap_style="square")
        cut = room.difference(slit)
        room = max(getattr(cut, "geoms", [cut]), key=lambda part: part.area)
    return np.array(room.exterior.coords)[:-1]
