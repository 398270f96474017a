"""Which zones contain which positions."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, World


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
