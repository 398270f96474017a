"""Where the agents of training are on the waypoint graph."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Locations
from cmarlsim.training.setup import TrainingSetup


def move(locations: Locations, chosen: Bools, setup: TrainingSetup, generator: np.random.Generator) -> None:
    """Put the `chosen` agents, a mask of the shape of `locations`, at waypoints that are drawn."""
    anew = setup.draw_locations(generator, (int(chosen.sum()),))
    for array, start in zip(locations, anew, strict=True):
        array[chosen] = start
