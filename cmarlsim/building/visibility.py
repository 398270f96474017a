"""What can be seen from each stretch of way in a world, found once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.worlds import build_world
from cmarlsim.kernels.occlusion import SLACK, VisibilitySet, find_visible
from cmarlsim.kernels.world import TICKS_PER_METRE, Floats, Ints, Visibility, World
from cmarlsim.validation import Point

NO_VISIBILITY = Visibility(
    *(np.zeros(0, dtype=bool if name == "hidden" else np.int64) for name in Visibility._fields)
)


LONGEST = 4.0
"""Metres: longer edges are cut into equal parts."""


def stretches_of(world: World) -> tuple[Floats, Ints]:
    """Parts of the waypoint edges and, without length, the waypoints.

    Returns
    -------
    (S, 4) array
        x and y of both ends.
    (E + 1,) array
        The first stretch of each edge, and that of the waypoints.
    """
    parts = np.ceil(world.edge_ticks / (LONGEST * TICKS_PER_METRE)).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(parts)])
    edge = np.repeat(np.arange(len(parts)), parts)
    low = ((np.arange(first[-1]) - first[edge]) / parts[edge])[:, None]
    start, way = world.waypoint[world.edge[edge, 0]], np.diff(world.waypoint[world.edge[edge]], axis=1)[:, 0]
    ends = [start + low * way, start + (low + 1 / parts[edge][:, None]) * way]
    return np.concatenate([np.hstack(ends), np.tile(world.waypoint, 2)]), first


def _lists(rows: list[Ints]) -> tuple[Ints, Ints]:
    """Where each list begins when they are joined end to end, and the joined lists."""
    first = np.cumsum([0, *(len(row) for row in rows)])
    return first, np.concatenate([*rows, np.zeros(0, dtype=np.int64)])


def _boxes_met(stretches: Floats, low: Floats, high: Floats) -> list[Ints]:
    """For each stretch the boxes, with corners `low` and `high` (B, 2), that its bounding box meets."""
    ends = stretches.reshape(-1, 2, 2)
    start, stop = ends.min(axis=1) - SLACK, ends.max(axis=1) + SLACK
    return [np.flatnonzero(((low <= b) & (high >= a)).all(axis=1)) for a, b in zip(start, stop, strict=True)]


def _visibility_sets(wall: Floats, stretches: Floats, d: float) -> tuple[Ints, Ints]:
    """All pairs of stretches that may see each other, the lower one first, and their lists of walls.

    Returns
    -------
    (V, 5) array
        Both stretches, whether they are hidden from each other, where their list begins, where it ends.
    (...,) array
        The lists of walls.
    """
    count = len(stretches)
    report = VisibilitySet(
        hint=np.full(count, -1),
        found=np.empty((count, 3), dtype=np.int64),
        lists=np.empty(16 * (len(wall) + 1), dtype=np.int64),
        parts=np.empty((2, 4)),
    )
    pairs, lists, begin = [], [], 0
    for e in range(count):
        found, length = find_visible(wall, stretches, e, d, report)
        while length < 0:
            report = report._replace(lists=np.empty(2 * len(report.lists), dtype=np.int64))
            found, length = find_visible(wall, stretches, e, d, report)
        other, hidden, walls = report.found[:found].T
        last = begin + np.cumsum(walls)
        pairs.append(np.stack([np.full(found, e), other, hidden, last - walls, last], axis=1))
        lists.append(report.lists[:length].copy())
        begin += length
    return np.concatenate(pairs), np.concatenate(lists)


@lru_cache(maxsize=16)
def build_visibility(plan: FloorPlan, zones: tuple[tuple[Point, float], ...], d: float) -> Visibility:
    """Visibility of a floor plan with zones.

    Parameters
    ----------
    plan, zones
        As for `build_world`.
    d
        Range in metres; pairs of stretches farther apart and out of sight are left out.
    """
    world = build_world(plan, zones)
    (stretches, part_first), radius = stretches_of(world), world.zone_radius[:, None]
    pairs, wall = _visibility_sets(world.wall, stretches, d)
    back = pairs[pairs[:, 0] != pairs[:, 1]][:, [1, 0, 2, 3, 4]]
    rows = np.concatenate([pairs, back])
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    tile_first, tile = _lists(_boxes_met(stretches, world.tile_box[:, :2], world.tile_box[:, 2:]))
    zone_first, zone = _lists(_boxes_met(stretches, world.zone_center - radius, world.zone_center + radius))
    return Visibility(
        part_first=part_first,
        tile_first=tile_first,
        tile=tile,
        zone_first=zone_first,
        zone=zone,
        first=np.searchsorted(rows[:, 0], np.arange(len(stretches) + 1)),
        other=np.ascontiguousarray(rows[:, 1]),
        hidden=rows[:, 2] == 1,
        wall_first=np.ascontiguousarray(rows[:, 3]),
        wall_last=np.ascontiguousarray(rows[:, 4]),
        wall=wall,
    )
