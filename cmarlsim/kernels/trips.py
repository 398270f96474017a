"""How long agents travel from zone to zone."""

from __future__ import annotations

from typing import NamedTuple

from cmarlsim.kernels.bits import has
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.motion import advance
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.world import Ints, Locations, World


class Trips(NamedTuple):
    """Trips from the goal of zone i to that of zone j, (M, M) steps; zeros on the diagonal.

    Where ways are one-way, or an agent passes its last waypoint within a step, there and back may differ.
    """

    steps: Ints  # between the last step at the one and the first step at the other
    leaving: Ints  # of these, the steps still in zone i
    arriving: Ints  # and the steps already in zone j


@kernel
def count_trips(world: World, speed: int, traveller: Locations, trips: Trips) -> None:
    """Send one agent from every zone's goal to every other, and add up its steps.

    `traveller` holds one agent, changed in place; `trips` holds zeros.
    """
    goal = world.goal
    for i in range(len(goal)):
        for j in range(len(goal)):
            traveller.node[0], traveller.edge[0], traveller.offset[0] = goal[i], -1, 0
            while traveller.node[0] != goal[j]:
                advance(world, traveller, 0, j, speed)
                if traveller.node[0] != goal[j]:
                    zones = world.piece_zones[piece_of(world, traveller, 0)]
                    trips.steps[i, j] += 1
                    trips.leaving[i, j] += has(zones, i)
                    trips.arriving[i, j] += has(zones, j)
