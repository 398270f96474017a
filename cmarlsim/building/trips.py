"""How long agents travel from zone to zone, on any plan."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.trips import Trips, count_trips
from cmarlsim.kernels.world import World, locations_at


def trips_between(world: World, speed: int) -> Trips:
    """Trips along the shortest ways from the goal of every zone to that of every other.

    Parameters
    ----------
    world
        With M zones, such as `Scenario.world`.
    speed
        Ticks a step, as `Scenario.speed_ticks`.

    Returns
    -------
    Trips
        Steps, (M, M): from the zone of the row to that of the column.
    """
    zones = len(world.goal)
    trips = Trips(*(np.zeros((zones, zones), dtype=np.int64) for _ in Trips._fields))
    count_trips(world, speed, locations_at(np.zeros(1, dtype=np.int64)), trips)
    return trips
