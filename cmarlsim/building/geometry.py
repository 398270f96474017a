"""Whether a floor plan can be: what lies where it must not, all findings at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.pieces import uncovered
from cmarlsim.building.tables import LONGEST_WAYS, SHORTEST_EDGE
from cmarlsim.errors import shown
from cmarlsim.kernels.plans import find_blocking, first_overlap
from cmarlsim.kernels.world import Bools, Floats

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan

OVERLAP = 1e-3
"""Metres by which polygons may overlap: files are often rounded to millimetres."""


def geometry_problems(plan: FloorPlan) -> list[str]:
    """What is wrong with the geometry of a plan whose names fit, one sentence each; none if nothing is."""
    bare_edges, bare_waypoints = uncovered(plan)
    return [
        *_levels(plan),
        *_overlaps(plan),
        *_bare_waypoints(plan, bare_waypoints),
        *_unwalkable_edges(plan, bare_edges),
    ]


def _levels(plan: FloorPlan) -> Iterator[str]:
    """Levels that overlap, and what lies in none or in two."""
    if not plan.levels:
        return
    a, b = first_overlap(np.array([level.rectangle for level in plan.levels]))
    if a >= 0:
        yield f"levels: '{plan.levels[a].name}' and '{plan.levels[b].name}' overlap; they may only touch"
    things = [
        *((f"walls[{i}]", np.array(wall.points)) for i, wall in enumerate(plan.walls)),
        *((f"waypoints: '{point.name}'", np.array([point.position])) for point in plan.waypoints),
        *((f"rooms: '{room.name}'", np.array(room.polygon)) for room in plan.rooms),
        *((f"doors: '{door.name}'", np.array(door.points)) for door in plan.doors),
        *(
            (f"tiles: '{tile.name}'", tile.outline)
            for tile in (plan.tiles if isinstance(plan.tiles, tuple) else ())
        ),
    ]
    for called, points in things:
        if not plan.on_levels(points).all(axis=0).any():
            yield f"{called} lies in no level; levels are rectangles that hold all of it"


def _overlaps(plan: FloorPlan) -> Iterator[str]:
    """Tiles, and rooms, that overlap."""
    rooms = [np.array(room.polygon) for room in plan.rooms]
    yield from _overlapping("rooms", [room.name for room in plan.rooms], rooms)
    if not isinstance(plan.tiles, tuple):
        return
    names = [tile.name for tile in plan.tiles]
    if all(tile.rectangle is not None for tile in plan.tiles):
        a, b = first_overlap(np.array([tile.rectangle for tile in plan.tiles]))
        if a >= 0:
            yield f"tiles: '{names[a]}' and '{names[b]}' overlap; they may only touch"
    else:
        yield from _overlapping("tiles", names, [tile.outline for tile in plan.tiles])


def _overlapping(kind: str, names: list[str], outlines: list[Floats]) -> Iterator[str]:
    """Polygons that share more than a strip which rounding explains."""
    if len(outlines) < 2:
        return
    import shapely

    shapes = [shapely.Polygon(outline) for outline in outlines]
    for i, j in sorted(shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist()):
        if i < j and not shapes[i].intersection(shapes[j]).buffer(-OVERLAP / 2).is_empty:
            yield f"{kind}: '{names[i]}' and '{names[j]}' overlap; they may only touch"


def _bare_waypoints(plan: FloorPlan, bare: Bools) -> Iterator[str]:
    """Waypoints that lie on no tile."""
    for i in np.flatnonzero(bare).tolist():
        waypoint = plan.waypoints[i]
        yield (
            f"waypoints: '{waypoint.name}' at {list(waypoint.position)} lies on no tile; "
            "every waypoint needs one"
        )


def _unwalkable_edges(plan: FloorPlan, bare: Bools) -> Iterator[str]:
    """Edges without length, through walls, off the tiles or between levels, and ways that are too long."""
    walls, lengths, points = plan.wall_segments(), plan.edge_lengths(), plan.waypoint_positions()
    segments = points[plan.edge_indices()].reshape(-1, 4)
    blocking = np.zeros(len(segments), dtype=np.int64)
    find_blocking(walls, segments, blocking)
    levels = plan.waypoint_levels()[plan.edge_indices()]
    apart = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    for i, edge in enumerate(plan.edges):
        called = f"edges[{i}] = {shown([*edge.ends])}"
        if edge.lift is not None:
            if levels[i, 0] == levels[i, 1]:
                yield f"{called}: the lift {shown(edge.lift)} must join two levels, and both ends lie in one"
        elif levels[i, 0] != levels[i, 1]:
            yield f'{called}: leads from one level to another; only a lift can (lift = "its name")'
        elif apart[i] < SHORTEST_EDGE:
            yield f"{called}: its ends are less than {SHORTEST_EDGE} m apart"
        elif blocking[i] >= 0:
            yield f"{called}: passes through or touches the wall {walls[blocking[i]].tolist()}"
        elif bare[i]:
            yield f"{called}: part of it lies on no tile; tiles must cover every edge"
    if sum(lengths) > LONGEST_WAYS:
        yield f"edges: {sum(lengths):g} m long together; at most {LONGEST_WAYS:g} m, are the units metres?"
