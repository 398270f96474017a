"""Numbered places: every place that agents can come to from the waypoints.

Moves are exact sums of whole ticks, so the places that agents reach from the waypoints are finitely many, and
often few: 592 with the paper's plan and 1 m a step. Moves, tiles, zones and links become table look-ups.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmarlsim.building.areas import Area
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.visibility import build_visibility
from cmarlsim.building.worlds import build_world
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.places import describe_places, find_places, link_places
from cmarlsim.kernels.scene import new_sight_state
from cmarlsim.kernels.world import Locations, NumberedPlaces, Site, World, locations_at

MOST_PLACES = 4_096
"""Worlds with more places are computed step by step; which are near takes the square of it in bits."""

MOST_ENTRIES = 2**22
"""The same for places times zones; the table of moves takes 4 bytes each."""


def _empty(zones: int) -> NumberedPlaces:
    return NumberedPlaces(
        position=np.zeros((0, 2)),
        stretch=np.zeros(0, dtype=np.int64),
        tile=np.zeros(0, dtype=np.int64),
        zones=np.zeros((0, words_for(zones)), dtype=np.uint64),
        after=np.zeros((0, zones), dtype=np.int32),
        near=np.zeros((0, 1), dtype=np.uint64),
    )


def _found(world: World, speed: int) -> tuple[Locations, NDArray[np.int32]] | None:
    """All places and, (Q, M), the number of the one after; None if there are too many."""
    zones = len(world.goal)
    most = min(MOST_PLACES, MOST_ENTRIES // zones)
    places = locations_at(np.zeros(most + 1, dtype=np.int64))
    after = np.empty((most, zones), dtype=np.int32)
    count = find_places(world, speed, places, after, np.full(2 * most + 1, -1))
    if count < 0:
        return None
    return Locations(*(array[:count] for array in places)), after[:count].copy()


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
    count, site = len(after), Site(world, _empty(len(zones)), build_visibility(plan, zones, d))
    numbered = NumberedPlaces(
        position=np.empty((count, 2)),
        stretch=np.empty(count, dtype=np.int64),
        tile=np.empty(count, dtype=np.int64),
        zones=np.empty((count, words_for(len(zones))), dtype=np.uint64),
        after=after,
        near=np.empty((count, words_for(count)), dtype=np.uint64),
    )
    describe_places(site, places, numbered)
    nobody = np.zeros_like(numbered.near[0])
    link_places(site, d, new_sight_state(site, count), numbered, nobody)
    return numbered


def with_nowhere(site: Site) -> Site:
    """The site with one place more, behind the last, for agents that are no longer there.

    It is the last of the numbered places, if there are any, else the last waypoint. It is in no zone and at
    no position; nobody is near it, and whoever is there stays.
    """
    world, numbered, visibility = site
    stretches, zones = len(visibility.first) - 1, len(world.goal)
    if len(numbered.tile):
        count = len(numbered.tile)
        near = np.zeros((count + 1, words_for(count + 1)), dtype=np.uint64)
        near[:count, : numbered.near.shape[1]] = numbered.near
        numbered = NumberedPlaces(
            position=np.append(numbered.position, [[np.nan, np.nan]], axis=0),
            stretch=np.append(numbered.stretch, max(stretches, 0)),
            tile=np.append(numbered.tile, 0),
            zones=np.append(numbered.zones, np.zeros_like(numbered.zones[:1]), axis=0),
            after=np.append(numbered.after, np.full((1, zones), count, dtype=np.int32), axis=0),
            near=near,
        )
    world = world._replace(
        waypoint=np.append(world.waypoint, [[np.nan, np.nan]], axis=0),
        to_go=np.append(world.to_go, np.zeros((1, zones), dtype=np.int64), axis=0),
        next_edge=np.append(world.next_edge, np.full((1, zones), -1), axis=0),
        piece_tile=np.append(world.piece_tile, 0),
        piece_zones=np.append(world.piece_zones, np.zeros_like(world.piece_zones[:1]), axis=0),
    )
    if stretches >= 0:
        visibility = visibility._replace(first=np.append(visibility.first, visibility.first[-1]))
    return Site(world, numbered, visibility)
