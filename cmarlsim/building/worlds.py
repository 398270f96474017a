"""Worlds: floor plans with zones as arrays for the kernels, and the ways from everywhere to every zone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cmarlsim.building.areas import Area, place_zones
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.pieces import find_pieces
from cmarlsim.kernels.routes import Roads, Search, find_ways
from cmarlsim.kernels.world import TICKS_PER_METRE, World

MOST_WAYS = 2**25
"""Waypoints times zones; the tables of the ways take 16 bytes each, here half a GB."""


def _roads(plan: FloorPlan) -> Roads:
    edges = plan.edge_indices()
    ticks = [round(length * TICKS_PER_METRE) for length in plan.edge_lengths()]
    ends = edges.ravel()
    return Roads(
        edge=edges,
        ticks=np.array(ticks, dtype=np.int64),
        one_way=np.array([edge.one_way for edge in plan.edges], dtype=np.bool_),
        first=np.searchsorted(np.sort(ends), np.arange(len(plan.waypoints) + 1)),
        at=np.argsort(ends, kind="stable") // 2,
    )


@lru_cache(maxsize=16)
def build_world(plan: FloorPlan, zones: tuple[Area, ...]) -> World:
    """Arrays of a floor plan with zones.

    Where no way leads from a waypoint to a zone, `World.to_go` is `UNREACHED`.

    Parameters
    ----------
    plan
        As agents travel in it, see `FloorPlan.snapped`.
    zones
        The M zones, each with a waypoint in it.

    Raises
    ------
    ValueError
        If the ways from all waypoints to all zones would take more than `MOST_WAYS` entries.
    """
    waypoints = len(plan.waypoints)
    if waypoints * len(zones) > MOST_WAYS:
        raise ValueError(
            f"floorplan '{plan.name}': {waypoints} waypoints times {len(zones)} zones are more than "
            f"{MOST_WAYS} ways, too many for the memory; use fewer waypoints or zones"
        )
    roads, regions = _roads(plan), place_zones(plan, zones)
    goals = np.array([region.goal for region in regions], dtype=np.int64)
    to_go, next_edge = (np.empty((waypoints, len(zones)), dtype=np.int64) for _ in range(2))
    search = Search(
        to_go=np.empty(waypoints, dtype=np.int64),
        queue=np.empty(waypoints, dtype=np.int64),
        waiting=np.zeros(waypoints, dtype=np.bool_),
    )
    find_ways(roads, goals, search, to_go, next_edge)
    return World(
        wall=plan.wall_segments(),
        waypoint=plan.waypoint_positions(),
        level=plan.waypoint_levels(),
        edge=roads.edge,
        edge_ticks=roads.ticks,
        one_way=roads.one_way,
        lift=np.array([edge.lift is not None for edge in plan.edges], dtype=np.bool_),
        goal=goals,
        to_go=to_go,
        next_edge=next_edge,
        bounds=plan.bounds(),
        tile_center=plan.tile_centers(),
        **find_pieces(plan, regions, roads.ticks)._asdict(),
    )
