"""Which tile a position lies on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.boxes import meeting
from cmarlsim.kernels.world import TOLERANCE, Floats, Ints

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan
    from cmarlsim.building.tables import Tile

FAR = 2**31
"""More than any tile's number."""


def tiles_at(plan: FloorPlan, points: Floats) -> Ints:
    """The tile of points (n, 2); -1 where there is none.

    Of tables the first that contains the point, borders included within `TOLERANCE`; of rooms the nearest on
    the point's level; of waypoints, of which an agent knows more than the point, the nearest.
    """
    if isinstance(plan.tiles, tuple):
        return _first_of(plan, plan.tiles, points)
    if plan.tiles == "rooms":
        return nearest_rooms(plan, points)[0]
    waypoints, here = plan.waypoint_levels(), plan.level_of(points)
    away = np.hypot(*(points[:, None] - plan.waypoint_positions()).T).T
    return np.where(waypoints == here[:, None], away, np.inf).argmin(axis=1)


def _first_of(plan: FloorPlan, tiles: tuple[Tile, ...], points: Floats) -> Ints:
    boxes, found = plan.tile_boxes(), np.full(len(points), -1)
    tile, point = meeting(boxes, np.tile(points, 2)).T
    low, high = boxes[tile, :2] - TOLERANCE, boxes[tile, 2:] + TOLERANCE
    inside = ((low <= points[point]) & (points[point] <= high)).all(axis=1)
    if any(each.polygon is not None for each in tiles):
        import shapely

        shapes = np.array([None if each.polygon is None else shapely.Polygon(each.polygon) for each in tiles])
        asked = inside & (shapes[tile] != None)  # noqa: E711
        inside[asked] = shapely.dwithin(shapes[tile[asked]], shapely.points(points[point[asked]]), TOLERANCE)
    tile, point = tile[inside][::-1], point[inside][::-1]
    found[point] = tile
    return found


def nearest_rooms(plan: FloorPlan, points: Floats) -> tuple[Ints, Floats]:
    """The nearest room on the level of points (n, 2), within `TOLERANCE` the first, and its distance.

    In a room the distance is 0; where a level has no room, the room is -1.
    """
    import shapely

    room, away = np.full(len(points), FAR), np.full(len(points), np.inf)
    here, of_room = plan.level_of(points), plan.level_of(plan.tile_centers())
    for level in np.unique(of_room):
        rooms, inside = np.flatnonzero(of_room == level), np.flatnonzero(here == level)
        tree = shapely.STRtree([shapely.Polygon(plan.rooms[i].polygon) for i in rooms])
        dots = shapely.points(points[inside])
        (asked, _), distance = tree.query_nearest(dots, all_matches=False, return_distance=True)
        away[inside[asked]] = distance
        asked, found = tree.query(dots, predicate="dwithin", distance=away[inside] + TOLERANCE)
        np.minimum.at(room, inside[asked], rooms[found])
    return np.where(room == FAR, -1, room), away
