"""The sights of a world: what can be seen from each of its waypoint edges, found once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cmarlsim.floorplan import FloorPlan, build_world
from cmarlsim.kernels.shadows import SLACK, survey
from cmarlsim.kernels.world import Floats, Ints, Sights, World
from cmarlsim.validation import Point

NO_SIGHTS = Sights(*(np.zeros(0, dtype=bool if name == "hidden" else np.int64) for name in Sights._fields))


def pieces_of(world: World) -> Floats:
    """Waypoint edges as an (E, 4) array, x and y of both ends; a lone waypoint is one without length."""
    ends = world.edge if len(world.edge) else np.zeros((1, 2), dtype=np.int64)
    return world.waypoint[ends].reshape(-1, 4)


def home_edges(world: World) -> Ints:
    """The first edge at every waypoint."""
    home = np.zeros(len(world.waypoint), dtype=np.int64)
    for edge in reversed(range(len(world.edge))):
        home[world.edge[edge]] = edge
    return home


def _lists(rows: list[Ints]) -> tuple[Ints, Ints]:
    """Lists joined end to end, and where each begins."""
    first = np.cumsum([0, *(len(row) for row in rows)])
    return first, np.concatenate([*rows, np.zeros(0, dtype=np.int64)])


def _boxes_met(pieces: Floats, low: Floats, high: Floats) -> list[Ints]:
    """For each piece the boxes, with corners `low` and `high` (B, 2), that its bounding box meets."""
    ends = pieces.reshape(-1, 2, 2)
    start, stop = ends.min(axis=1) - SLACK, ends.max(axis=1) + SLACK
    return [np.flatnonzero(((low <= b) & (high >= a)).all(axis=1)) for a, b in zip(start, stop, strict=True)]


@lru_cache(maxsize=16)
def build_sights(plan: FloorPlan, zones: tuple[tuple[Point, float], ...], d: float) -> Sights:
    """Sights of a floor plan with zones.

    Parameters
    ----------
    plan, zones
        As for `build_world`.
    d
        Range in metres; pairs of edges farther apart and out of sight are left out.
    """
    world = build_world(plan, zones)
    pieces, wall, radius = pieces_of(world), world.wall, world.zone_radius[:, None]
    found, parts = np.empty((len(pieces), 3), dtype=np.int64), np.empty((2, 4))
    lists = np.empty(max(1, len(wall)) * min(len(pieces), 64), dtype=np.int64)
    others, between = [], []
    for e in range(len(pieces)):
        count, length = survey(wall, pieces, e, d, found, lists, parts)
        while length < 0:
            lists = np.empty(2 * len(lists), dtype=np.int64)
            count, length = survey(wall, pieces, e, d, found, lists, parts)
        others.append(found[:count].copy())
        between.append(lists[:length].copy())
    first, _ = _lists([rows[:, 0] for rows in others])
    seen = np.concatenate(others)
    tile_first, tile = _lists(_boxes_met(pieces, world.tile_box[:, :2], world.tile_box[:, 2:]))
    zone_first, zone = _lists(_boxes_met(pieces, world.zone_center - radius, world.zone_center + radius))
    return Sights(
        home=home_edges(world),
        tile_first=tile_first,
        tile=tile,
        zone_first=zone_first,
        zone=zone,
        first=first,
        other=np.ascontiguousarray(seen[:, 0]),
        hidden=seen[:, 1] == 1,
        wall_first=np.cumsum(np.concatenate([[0], seen[:, 2]])),
        wall=np.concatenate(between),
    )
