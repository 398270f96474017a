"""Whether a floor plan can be: what lies where it must not, all findings at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.boxes import meeting
from cmarlsim.building.pieces import uncovered
from cmarlsim.building.tables import LONGEST_WAYS, SHORTEST_EDGE
from cmarlsim.errors import Finding, shown
from cmarlsim.kernels.plans import find_blocking
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan
    from cmarlsim.building.tables import Edge

Points = Floats | Sequence[Floats | Sequence[float]]
Where = tuple[tuple[tuple[float, float], ...], ...]

OVERLAP = 1e-3
"""Metres by which polygons may overlap: files are often rounded to millimetres."""


def geometry_problems(plan: FloorPlan) -> list[Finding]:
    """What is wrong with the geometry of a plan whose names fit; nothing if it can be."""
    bare_edges, bare_waypoints = uncovered(plan)
    return [
        *_levels(plan),
        *_overlaps(plan),
        *_bare_waypoints(plan, bare_waypoints),
        *_unwalkable_edges(plan, bare_edges),
    ]


def error(key: str, text: str, where: Where = ()) -> Finding:
    """An error somewhere in a plan."""
    return Finding("error", key, text, where)


def line(points: Points) -> Where:
    """The line through points (n, 2), for a finding."""
    return (tuple((float(x), float(y)) for x, y in points),)


def dots(points: Points) -> Where:
    """Points (n, 2) for a finding, each for itself."""
    return tuple(((float(x), float(y)),) for x, y in points)


def _levels(plan: FloorPlan) -> Iterator[Finding]:
    """Levels that overlap, and what lies in none or in two."""
    if not plan.levels:
        return
    boxes = [level.rectangle for level in plan.levels]
    yield from _boxes_overlapping("levels", [level.name for level in plan.levels], np.array(boxes))
    tiles = plan.tiles if isinstance(plan.tiles, tuple) else ()
    things = [
        *((f"walls[{i}]", np.array(wall.points)) for i, wall in enumerate(plan.walls)),
        *((f"waypoints: '{point.name}'", np.array([point.position])) for point in plan.waypoints),
        *((f"rooms: '{room.name}'", np.array(room.polygon)) for room in plan.rooms),
        *((f"doors: '{door.name}'", np.array(door.points)) for door in plan.doors),
        *((f"tiles: '{tile.name}'", tile.outline) for tile in tiles),
    ]
    for called, points in things:
        if not plan.on_levels(points).all(axis=0).any():
            yield error(called, "lies in no level; levels are rectangles that hold all of it", line(points))


def _overlaps(plan: FloorPlan) -> Iterator[Finding]:
    """Tiles, and rooms, that overlap."""
    rooms = [np.array(room.polygon) for room in plan.rooms]
    yield from _overlapping("rooms", [room.name for room in plan.rooms], rooms)
    if not isinstance(plan.tiles, tuple):
        return
    names = [tile.name for tile in plan.tiles]
    if all(tile.rectangle is not None for tile in plan.tiles):
        yield from _boxes_overlapping("tiles", names, plan.tile_boxes())
    else:
        yield from _overlapping("tiles", names, [tile.outline for tile in plan.tiles])


def _boxes_overlapping(kind: str, names: Sequence[str], boxes: Floats) -> Iterator[Finding]:
    """Rectangles (n, 4) that do more than touch."""
    i, j = meeting(boxes, boxes).T
    low, high = np.maximum(boxes[i, :2], boxes[j, :2]), np.minimum(boxes[i, 2:], boxes[j, 2:])
    for k in np.flatnonzero((i < j) & (high - low > TOLERANCE).all(axis=1)).tolist():
        yield _overlap(kind, names[i[k]], names[j[k]], (low[k] + high[k]) / 2)


def _overlapping(kind: str, names: Sequence[str], outlines: Sequence[Floats]) -> Iterator[Finding]:
    """Polygons that share more than a strip which rounding explains."""
    if len(outlines) < 2:
        return
    import shapely

    shapes = [shapely.Polygon(outline) for outline in outlines]
    for i, j in sorted(shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist()):
        common = shapes[i].intersection(shapes[j]) if i < j else shapely.Polygon()
        if not common.buffer(-OVERLAP / 2).is_empty:
            yield _overlap(
                kind, names[i], names[j], shapely.get_coordinates(common.representative_point())[0]
            )


def _overlap(kind: str, one: str, other: str, at: Floats) -> Finding:
    return error(kind, f"'{one}' and '{other}' overlap; they may only touch", dots([at]))


def _bare_waypoints(plan: FloorPlan, bare: Bools) -> Iterator[Finding]:
    """Waypoints that lie on no tile."""
    for i in np.flatnonzero(bare).tolist():
        at = plan.waypoints[i].position
        called = f"waypoints: '{plan.waypoints[i].name}' at {list(at)}"
        yield error(called, "lies on no tile; every waypoint needs one", dots([at]))


def _unwalkable_edges(plan: FloorPlan, bare: Bools) -> Iterator[Finding]:
    """Edges without length, through walls, off the tiles or between levels, and ways that are too long."""
    walls, lengths, points = plan.wall_segments(), plan.edge_lengths(), plan.waypoint_positions()
    segments = points[plan.edge_indices()].reshape(-1, 4)
    blocking = np.zeros(len(segments), dtype=np.int64)
    find_blocking(walls, segments, blocking)
    levels = plan.waypoint_levels()[plan.edge_indices()]
    short = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1]) < SHORTEST_EDGE
    lift = np.array([edge.lift is not None for edge in plan.edges], dtype=np.bool_)
    same_level = levels[:, 0] == levels[:, 1]
    wrong = np.where(lift, same_level | bare, ~same_level | short | (blocking >= 0) | bare)
    for i in np.flatnonzero(wrong).tolist():
        edge, wall = plan.edges[i], walls[blocking[i]] if blocking[i] >= 0 else None
        problem = _why_unwalkable(edge, bool(same_level[i]), bool(short[i]), wall)
        yield error(f"edges[{i}] = {shown([*edge.ends])}", problem, line(segments[i].reshape(2, 2)))
    if sum(lengths) > LONGEST_WAYS:
        yield error(
            "edges", f"{sum(lengths):g} m long together; at most {LONGEST_WAYS:g} m, are the units metres?"
        )


def _why_unwalkable(edge: Edge, in_one_level: bool, short: bool, wall: Floats | None) -> str:
    """Why nobody can go along an edge, of which part lies on no tile if nothing else is wrong."""
    if edge.lift is not None and in_one_level:
        return f"the lift {shown(edge.lift)} must join two levels, and both ends lie in one"
    if edge.lift is None and not in_one_level:
        return 'leads from one level to another; only a lift can (lift = "its name")'
    if edge.lift is None and short:
        return f"its ends are less than {SHORTEST_EDGE} m apart"
    if edge.lift is None and wall is not None:
        return f"passes through or touches the wall {wall.round(3).tolist()}"
    return "part of it lies on no tile; tiles must cover every edge"
