"""Worlds: floor plans with zones as arrays for the kernels, and the ways from everywhere to every zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.kernels.routes import Roads, Search, find_ways
from cmarlsim.kernels.world import TICKS_PER_METRE, TOLERANCE, Bools, Floats, World
from cmarlsim.validation import Point

MOST_WAYS = 2**25
"""Waypoints times zones; the tables of the ways take 16 bytes each, here half a GB."""


def goals_of(plan: FloorPlan, centers: Sequence[Point]) -> list[int]:
    """Waypoint nearest to each zone's centre: where agents that choose the zone go. Ties: the first."""
    position, goals = plan.waypoint_positions(), []
    for center in centers:
        with np.errstate(over="ignore"):
            about = np.hypot(*(position - center).T)
        near = np.flatnonzero(about <= about.min() * (1 + 1e-12) + 2 * TOLERANCE).tolist()
        distances = [math.dist(plan.waypoints[i].position, center) for i in near]
        nearest = min(distances) + TOLERANCE
        goals.append(next(i for i, away in zip(near, distances, strict=True) if away <= nearest))
    return goals


def _roads(plan: FloorPlan) -> Roads:
    edges = plan.edge_indices()
    ticks = [round(length * TICKS_PER_METRE) for length in plan.edge_lengths()]
    ends = edges.ravel()
    return Roads(
        edge=edges,
        ticks=np.array(ticks, dtype=np.int64),
        first=np.searchsorted(np.sort(ends), np.arange(len(plan.waypoints) + 1)),
        at=np.argsort(ends, kind="stable") // 2,
    )


@lru_cache(maxsize=16)
def build_world(plan: FloorPlan, zones: tuple[tuple[Point, float], ...]) -> World:
    """Arrays of a floor plan with zones.

    Parameters
    ----------
    plan
        Its waypoint graph must be connected.
    zones
        Centre and radius of the M zones, in metres.

    Raises
    ------
    ValueError
        If the ways from all waypoints to all zones would take more than `MOST_WAYS` entries.
    """
    waypoints, centers = len(plan.waypoints), [center for center, _ in zones]
    if waypoints * len(zones) > MOST_WAYS:
        raise ValueError(
            f"floorplan '{plan.name}': {waypoints} waypoints times {len(zones)} zones are more than "
            f"{MOST_WAYS} ways, too many for the memory; use fewer waypoints or zones"
        )
    roads, goals = _roads(plan), np.array(goals_of(plan, centers), dtype=np.int64)
    to_go, next_edge = (np.empty((waypoints, len(zones)), dtype=np.int64) for _ in range(2))
    search = Search(
        to_go=np.empty(waypoints, dtype=np.int64),
        queue=np.empty(waypoints, dtype=np.int64),
        waiting=np.zeros(waypoints, dtype=np.bool_),
    )
    find_ways(roads, goals, search, to_go, next_edge)
    return World(
        wall=plan.wall_segments(),
        tile_box=plan.tile_boxes(),
        zone_center=np.array(centers, dtype=np.float64),
        zone_radius=np.array([radius for _, radius in zones], dtype=np.float64),
        waypoint=plan.waypoint_positions(),
        edge=roads.edge,
        edge_ticks=roads.ticks,
        to_go=to_go,
        next_edge=next_edge,
    )


def inside_zones(world: World, position: Floats) -> Bools:
    """Whether positions are in zones: the direct observations of eq. (17), decided as the engine does.

    Parameters
    ----------
    world
        Where zones are, such as `Scenario.world`.
    position : (..., 2) array
        In metres. NaN, of an agent that is no longer there, is in no zone.

    Returns
    -------
    (..., M) array of bool
        A border belongs to its zone: the distance is <= radius + 1e-9 m.
    """
    inside = np.empty((*position.shape[:-1], len(world.zone_radius)), dtype=np.bool_)
    for m, (center, reach) in enumerate(zip(world.zone_center, world.zone_radius + TOLERANCE, strict=True)):
        dx, dy = position[..., 0] - center[0], position[..., 1] - center[1]
        inside[..., m] = dx * dx + dy * dy <= reach * reach
    return inside
