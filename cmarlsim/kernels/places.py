"""All places that agents can come to from the waypoints, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words, copy_set, put
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.links import look_along, move_occupant
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.travel import stretch_of
from cmarlsim.kernels.world import Ints, Locations, NumberedPlaces, SightState, Site, World

_ODD, _PRIME = 1_000_003, 2**31 - 1


@inner
def slot_of(places: Locations, q: int, slots: Ints) -> int:
    """The slot that holds the number of place q, which is inside an edge, or the free one for it."""
    edge, offset = places.edge[q], places.offset[q]
    slot = (edge * _ODD + offset % _PRIME) % len(slots)
    while slots[slot] >= 0:
        other = slots[slot]
        if places.edge[other] == edge and places.offset[other] == offset:
            break
        slot = (slot + 1) % len(slots)
    return slot


@kernel
def find_places(world: World, speed: int, places: Locations, after: NDArray[np.int32], slots: Ints) -> int:
    """Number the waypoints, and all places that agents come to from a numbered one in a step towards a zone.

    Parameters
    ----------
    speed
        Ticks a step.
    places
        Written: as many as `after` has room for, and one more for scratch.
    after : (Q, M)
        Written: the place one step further towards each zone.
    slots
        More than Q entries of -1.

    Returns
    -------
    int
        The number of places; -1 if they are more than Q.
    """
    count, q = len(world.waypoint), 0
    if count > len(after):
        return -1
    for p in range(count):
        places.node[p], places.edge[p], places.offset[p] = p, -1, 0
    while q < count:
        for zone in range(after.shape[1]):
            places.node[count], places.edge[count] = places.node[q], places.edge[q]
            places.offset[count] = places.offset[q]
            advance(world, places, count, zone, speed)
            if places.node[count] >= 0:
                after[q, zone] = places.node[count]
                continue
            slot = slot_of(places, count, slots)
            if slots[slot] < 0:
                if count == len(after):
                    return -1
                slots[slot] = count
                count += 1
            after[q, zone] = slots[slot]
        q += 1
    return count


@kernel
def describe_places(site: Site, places: Locations, numbered: NumberedPlaces) -> None:
    """Write position, stretch, tile and zones of the places."""
    world, visibility = site.world, site.visibility
    for q in range(len(numbered.tile)):
        x, y = position_of(world, places, q)
        piece = piece_of(world, places, q)
        numbered.position[q, 0], numbered.position[q, 1] = x, y
        numbered.stretch[q] = stretch_of(world, visibility, places, q)
        numbered.tile[q] = world.piece_tile[piece]
        copy_set(world.piece_zones[piece], numbered.zones[q])


@kernel
def link_places(site: Site, d: float, sight: SightState, numbered: NumberedPlaces, nobody: Words) -> None:
    """Write which places are in sight or in range of each other: an agent stands at each of them.

    `sight` has room for them, and the site no numbered places; `nobody` is the empty set.
    """
    for q in range(len(numbered.tile)):
        sight.position[q, 0], sight.position[q, 1] = numbered.position[q, 0], numbered.position[q, 1]
        move_occupant(sight.occupants, q, numbered.stretch[q])
    for q in range(len(numbered.tile)):
        look_along(site, d, sight, sight.occupants.stretch, q, nobody, numbered.near[q])
        put(numbered.near[q], q, True)
