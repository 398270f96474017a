"""Where a floor plan lies in the frame of the file that it was imported from."""

from __future__ import annotations

import numpy as np

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.tables import Level
from cmarlsim.kernels.world import Floats, Ints


def matrix_of(level: Level) -> Floats:
    """The (2, 3) matrix that takes (x, y, 1) in metres of the plan to the frame of the source."""
    return np.reshape(level.to_source or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (2, 3))


def in_source(plan: FloorPlan, position: Floats) -> tuple[Ints, Floats]:
    """Levels, by their index, and coordinates in the frame of the source of any positions.

    Parameters
    ----------
    position
        In metres of the plan, (..., 2).

    Returns
    -------
    (...) array of int, (..., 2) array
        -1 and NaN for positions in no level. A plan without levels is one, whose frame is its own.
    """
    points = np.asarray(position, dtype=np.float64).reshape(-1, 2)
    level, found = plan.level_of(points), np.full(points.shape, np.nan)
    if not plan.levels:
        found = points
    for i, table in enumerate(plan.levels):
        here, matrix = level == i, matrix_of(table)
        found[here] = points[here] @ matrix[:, :2].T + matrix[:, 2]
    shape = np.shape(position)
    return level.reshape(shape[:-1]), found.reshape(shape)
