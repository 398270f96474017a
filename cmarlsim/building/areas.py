"""Zones in a floor plan: their shapes, what walls cut off from them, and where agents go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cmarlsim.building.boxes import boxes_around, meeting
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, Ints
from cmarlsim.validation import Point

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan

GRAZE = 1e-6
"""Metres that a wall must reach into a zone to cut something off."""

_GRID, _BESIDE = 1e-8, 1e-7
"""Metres: ends of walls that are so near to another wall touch it; a part is told from others with slack."""

CORNERS = 128
"""Of the polygon that stands for a disc where walls cut it, and in pictures."""


class Area(NamedTuple):
    """What a zone is to cover: the disc of `radius` metres around `center`, or a polygon.

    Attributes
    ----------
    center : (x, y), optional
        Where agents go; by default the middle of the polygon.
    through_walls : bool
        Whether parts count that walls separate from where agents go.
    """

    center: Point | None = None
    radius: float | None = None
    polygon: tuple[Point, ...] | None = None
    through_walls: bool = False


@dataclass(frozen=True, eq=False)
class Region:
    """A zone in its floor plan.

    Attributes
    ----------
    area : Area
    center : (2,) array
        Metres.
    level : int
        The level that holds the centre, -1 if none does.
    goal : int
        The waypoint in the zone that is nearest to the centre, on the same level; -1 if there is none.
    part : shapely.Polygon, optional
        Where walls cut something off: what is left.
    """

    area: Area
    center: Floats
    level: int
    goal: int = -1
    part: Any = None

    def holds(self, points: Floats) -> Bools:
        """Whether the zone contains points (n, 2) of its level, borders included within `TOLERANCE`."""
        inside = _in_shape(self.area, self.center, points)
        if self.part is not None:
            import shapely

            inside[inside] = shapely.dwithin(self.part, shapely.points(points[inside]), _BESIDE)
        return inside

    def without_walls(self) -> Region:
        """The same as if no wall cut anything off."""
        return replace(self, part=None)

    def outline(self) -> Floats:
        """Corners of the zone, (n, 2) in metres, for pictures: of a disc, many."""
        if self.part is None:
            return _corners(self.area, self.center)
        import shapely

        left = self.part.intersection(shapely.Polygon(_corners(self.area, self.center)))
        largest = max(shapely.get_parts(left), key=lambda each: each.area)
        return shapely.get_coordinates(largest.exterior)[:-1]


def _in_shape(area: Area, center: Floats, points: Floats) -> Bools:
    if area.radius is not None:
        dx, dy, reach = points[:, 0] - center[0], points[:, 1] - center[1], area.radius + TOLERANCE
        return dx * dx + dy * dy <= reach * reach
    import shapely

    return shapely.dwithin(shapely.Polygon(area.polygon), shapely.points(points), TOLERANCE)


def _corners(area: Area, center: Floats) -> Floats:
    if area.radius is None:
        return np.array(area.polygon)
    angle = 2 * np.pi * np.arange(CORNERS) / CORNERS
    return center + area.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def boxes_of(regions: Sequence[Region]) -> Floats:
    """The rectangles [x_min, y_min, x_max, y_max] around zones, (M, 4)."""
    boxes = np.empty((len(regions), 4))
    for box, region in zip(boxes, regions, strict=True):
        if region.area.radius is None:
            corners = _corners(region.area, region.center)
            box[:2], box[2:] = corners.min(axis=0), corners.max(axis=0)
        else:
            box[:2], box[2:] = region.center - region.area.radius, region.center + region.area.radius
    return boxes


@lru_cache(maxsize=16)
def place_zones(plan: FloorPlan, areas: tuple[Area, ...]) -> tuple[Region, ...]:
    """The zones in the floor plan, in the same order."""
    centers = np.array([_center(area) for area in areas])
    levels = plan.level_of(centers).tolist()
    regions = [Region(*each) for each in zip(areas, centers, levels, strict=True)]
    walls, points, level = plan.wall_segments(), plan.waypoint_positions(), plan.waypoint_levels()
    cutting: dict[int, list[int]] = {}
    for m, w in meeting(boxes_of(regions), boxes_around(walls)).tolist():
        cutting.setdefault(m, []).append(w)
    for m, region in enumerate(regions):
        here = np.flatnonzero(level == region.level)
        if m in cutting and not region.area.through_walls:
            regions[m] = region = _cut(region, walls[cutting[m]], points[here])
        goal = _nearest(region, points[here])
        regions[m] = replace(region, goal=int(here[goal]) if goal >= 0 else -1)
    return tuple(regions)


def _center(area: Area) -> Point:
    if area.center is not None:
        return area.center
    import shapely

    shape = shapely.Polygon(area.polygon)
    middle = shape.centroid if shape.covers(shape.centroid) else shapely.point_on_surface(shape)
    return middle.x, middle.y


def _nearest(region: Region, points: Floats) -> int:
    """The point in the region that is nearest to its centre, of a tie the first; -1 if there is none."""
    with np.errstate(over="ignore"):
        away = np.hypot(*(points - region.center).T)
    near = np.flatnonzero(region.holds(points))
    if not len(near):
        return -1
    return int(near[(away[near] <= away[near].min() + TOLERANCE).argmax()])


def _cut(region: Region, walls: Floats, points: Floats) -> Region:
    """The region without what `walls` (W, 4) separate from where agents go."""
    import shapely

    area, center = region.area, region.center
    shape = shapely.Polygon(_corners(area, center))
    lines = shapely.linestrings(walls.reshape(-1, 2, 2))
    if area.radius is not None:
        grown = area.radius / np.cos(np.pi / CORNERS) * (1 + 1e-9)
        meets = shapely.distance(lines, shapely.points(center)) < area.radius - GRAZE
        shape = shapely.Polygon(_corners(area._replace(radius=grown), center))
    else:
        inner = shape.buffer(-GRAZE)
        shapely.prepare(inner)
        meets = shapely.intersects(inner, lines)
    if not meets.any():
        return region
    anchor = shapely.Point(center)
    if area.radius is None or (shapely.distance(lines, anchor) < GRAZE).any():
        goal = _nearest(region, points)
        anchor = shapely.Point(points[goal]) if goal >= 0 else anchor
    faces = shapely.get_parts(
        shapely.polygonize([shapely.union_all([shape.exterior, *lines[meets]], grid_size=_GRID)])
    )
    part = min(faces, key=lambda face: face.distance(anchor))
    return replace(region, part=part)


def inside_zones(plan: FloorPlan, regions: Sequence[Region], position: Floats) -> Bools:
    """Whether positions (..., 2) are in zones, (..., M); NaN is in none."""
    points = position.reshape(-1, 2)
    level: Ints = plan.level_of(points)
    inside = np.stack([region.holds(points) & (level == region.level) for region in regions], axis=-1)
    return inside.reshape(*position.shape[:-1], len(regions))
