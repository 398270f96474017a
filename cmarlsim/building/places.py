"""Numbered places: every place that agents can come to from the waypoints.

Moves are exact sums of whole ticks, so the places that agents reach from the waypoints are finitely many, and
often few: 592 with the paper's plan and 1 m a step. Moves, tiles, zones and links become table look-ups.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cmarlsim.building.areas import Area
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.visibility import build_visibility
from cmarlsim.building.worlds import build_world
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.links import link_places, move_occupant
from cmarlsim.kernels.motion import advance_all, position_of
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.scene import new_sight_state
from cmarlsim.kernels.travel import stretch_of
from cmarlsim.kernels.world import Locations, NumberedPlaces, Site, World, locations_at

MOST_PLACES = 4_096
"""Worlds with more places are computed step by step; which are near takes the square of it in bits."""

MOST_ENTRIES = 300_000
"""The same for places times zones: numbering them takes about a microsecond each."""


def _empty(zones: int) -> NumberedPlaces:
    return NumberedPlaces(
        position=np.zeros((0, 2)),
        stretch=np.zeros(0, dtype=np.int64),
        tile=np.zeros(0, dtype=np.int64),
        zones=np.zeros((0, words_for(zones)), dtype=np.uint64),
        after=np.zeros((0, zones), dtype=np.int32),
        near=np.zeros((0, 1), dtype=np.uint64),
    )


def _found(world: World, speed: int) -> tuple[Locations, np.ndarray] | None:
    """All places and, (Q, M), the number of the one after; None if there are too many."""
    waypoints, zones = len(world.waypoint), len(world.goal)
    if waypoints * zones > MOST_ENTRIES:
        return None
    number = {(p, -1, 0): p for p in range(waypoints)}
    found = list(number)
    after: list[list[int]] = []
    frontier = locations_at(np.arange(waypoints))
    while len(frontier.node):
        steps = [Locations(*(array.copy() for array in frontier)) for _ in range(zones)]
        for zone, step in enumerate(steps):
            advance_all(world, step, zone, speed)
        first = len(found)
        for n in range(len(frontier.node)):
            row = []
            for step in steps:
                key = (int(step.node[n]), int(step.edge[n]), int(step.offset[n]))
                if key not in number:
                    number[key] = len(found)
                    found.append(key)
                row.append(number[key])
            after.append(row)
        if len(found) > min(MOST_PLACES, MOST_ENTRIES // zones):
            return None
        new = np.array(found[first:], dtype=np.int64).reshape(-1, 3).T
        frontier = Locations(*(np.ascontiguousarray(column) for column in new))
    columns = np.array(found, dtype=np.int64).T
    return Locations(*(np.ascontiguousarray(column) for column in columns)), np.array(after, dtype=np.int32)


@lru_cache(maxsize=16)
def number_places(plan: FloorPlan, zones: tuple[Area, ...], speed: int, d: float) -> NumberedPlaces:
    """Numbered places of a floor plan with zones; empty if there are too many places.

    Parameters
    ----------
    plan, zones
        As for `build_world`.
    speed
        Ticks a step.
    d
        Range in metres of the radio.
    """
    world = build_world(plan, zones)
    found = _found(world, speed)
    if found is None:
        return _empty(len(zones))
    places, after = found
    count, visibility = len(after), build_visibility(plan, zones, d)
    pieces = np.array([piece_of(world, places, q) for q in range(count)])
    numbered = NumberedPlaces(
        position=np.array([position_of(world, places, q) for q in range(count)]),
        stretch=np.array([stretch_of(world, visibility, places, q) for q in range(count)]),
        tile=world.piece_tile[pieces],
        zones=world.piece_zones[pieces],
        after=after,
        near=np.zeros((count, words_for(count)), dtype=np.uint64),
    )
    _fill_near(Site(world, _empty(len(zones)), visibility), d, numbered)
    return numbered


def with_nowhere(numbered: NumberedPlaces) -> NumberedPlaces:
    """The numbered places with one more, the last, for agents that are no longer there.

    It is in no zone and at no position; nobody is near it, and whoever is there stays.
    """
    count, zones = numbered.after.shape
    near = np.zeros((count + 1, words_for(count + 1)), dtype=np.uint64)
    near[:count, : numbered.near.shape[1]] = numbered.near
    return NumberedPlaces(
        position=np.append(numbered.position, [[np.nan, np.nan]], axis=0),
        stretch=np.append(numbered.stretch, 0),
        tile=np.append(numbered.tile, 0),
        zones=np.append(numbered.zones, np.zeros_like(numbered.zones[:1]), axis=0),
        after=np.append(numbered.after, np.full((1, zones), count, dtype=np.int32), axis=0),
        near=near,
    )


def _fill_near(site: Site, d: float, numbered: NumberedPlaces) -> None:
    """Put an agent at every place and see whom it can talk to."""
    now = new_sight_state(site, len(numbered.tile))
    now.position[...] = numbered.position
    for q, stretch in enumerate(numbered.stretch.tolist()):
        move_occupant(now.occupants, q, stretch)
    link_places(site, d, now, np.zeros_like(numbered.near[0]), numbered.near)
