"""Steps between zones, counted on the places that the engine's agents come to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.building.worlds import goals_of
from cmarlsim.building.zones import inside_zones
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Bools, Ints
from cmarlsim.scenario import Scenario


class Trips(NamedTuple):
    """Trips from the waypoint of zone i to that of zone j, (M, M) steps; zeros on the diagonal."""

    steps: Ints  # between the last step at the one and the first step at the other
    leaving: Ints  # of these, the steps still in zone i
    arriving: Ints  # and the steps already in zone j


def places_in_zones(scenario: Scenario) -> Bools:
    """Whether each numbered place is in each zone, (Q, M).

    Raises
    ------
    InputError
        If the scenario has too many places to number them.
    """
    position = scenario.numbered.position
    if not len(position):
        raise InputError(f"scenario '{scenario.name}': its plan has too many places for this analysis")
    return inside_zones(scenario.world, position)


def trips(scenario: Scenario) -> Trips:
    """How long agents travel from zone to zone along their shortest ways."""
    inside, after = places_in_zones(scenario), scenario.numbered.after
    goals = goals_of(scenario.floorplan, [zone.center for zone in scenario.zones])
    counts = Trips(*(np.zeros((scenario.M, scenario.M), dtype=np.int64) for _ in Trips._fields))
    for i, place in enumerate(goals):
        for j, goal in enumerate(goals):
            here = after[place, j]
            while here != goal:
                counts.steps[i, j] += 1
                counts.leaving[i, j] += inside[here, i]
                counts.arriving[i, j] += inside[here, j]
                here = after[here, j]
    return counts


def shortest_gaps(scenario: Scenario) -> Ints:
    """Fewest steps outside both zones between a step in zone i and a step in zone j, (M, M).

    Over all ways that actions can lead, not only the shortest: a search through all numbered places.
    """
    inside, after = places_in_zones(scenario), scenario.numbered.after
    gaps = np.zeros((scenario.M, scenario.M), dtype=np.int64)
    for i in range(scenario.M):
        reached, steps = inside[:, i].copy(), 0
        waiting = np.ones(scenario.M, dtype=np.bool_)
        while waiting.any():
            found = waiting & inside[reached].any(axis=0)
            gaps[i, found] = max(0, steps - 1)
            waiting &= ~found
            reached[after[reached]] = True
            steps += 1
    return gaps
