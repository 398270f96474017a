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
        return Rooms(plan).nearest(points)[0]
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


class Rooms:
    """The rooms of a floor plan, to ask which is nearest to a position on the same level."""

    def __init__(self, plan: FloorPlan) -> None:
        import shapely

        self._plan, self._levels = plan, []
        outlines, level = plan.tile_outlines(), plan.level_of(plan.tile_centers())
        for each in np.unique(level).tolist():
            rooms = np.flatnonzero(level == each)
            rings = [np.stack([outlines[i], np.roll(outlines[i], -1, axis=0)], axis=1) for i in rooms]
            of_side = np.repeat(rooms, [len(ring) for ring in rings])
            sides = shapely.STRtree(shapely.linestrings(np.concatenate(rings)))
            shapes = shapely.STRtree([shapely.Polygon(outlines[i]) for i in rooms])
            self._levels.append((each, rooms, shapes, of_side, sides))

    def nearest(self, points: Floats) -> tuple[Ints, Floats]:
        """The nearest room to points (n, 2), within `TOLERANCE` the first, and its distance.

        In a room the distance is 0; where a level has no room, the room is -1.
        """
        import shapely

        room, away = np.full(len(points), FAR), np.full(len(points), np.inf)
        here = self._plan.level_of(points)
        for level, rooms, shapes, of_side, sides in self._levels:
            on_level = np.flatnonzero(here == level)
            dots, metres = shapely.points(points[on_level]), np.full(len(on_level), np.inf)
            _, metres[:] = sides.query_nearest(dots, all_matches=False, return_distance=True)
            inside, found = shapes.query(dots, predicate="intersects")
            metres[inside] = 0.0
            np.minimum.at(room, on_level[inside], rooms[found])
            asked, found = sides.query(dots, predicate="dwithin", distance=metres + TOLERANCE)
            np.minimum.at(room, on_level[asked], of_side[found])
            away[on_level] = metres
        return np.where(room == FAR, -1, room), away
