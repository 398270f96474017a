"""Pictures of a plan as cells: free, occupied or unknown, and where they lie in metres."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.world import Bools, Floats


class Raster(NamedTuple):
    """Cells of a plan, (H, W). Row 0 is the lowest, so that rows grow with y."""

    free: Bools  # (H, W)
    occupied: Bools  # (H, W); what is neither free nor occupied is unknown
    resolution: float  # metres a cell
    origin: tuple[float, float, float]  # x, y in metres and yaw in radians of the corner of cell (0, 0)

    def to_metres(self, cells: Floats) -> Floats:
        """Positions in metres, (..., 2), of points in cells: (column, row), (0, 0) at the lower left."""
        x, y, yaw = self.origin
        turn = np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]])
        return np.asarray(cells) @ turn * self.resolution + (x, y)

    def to_cells(self, position: Floats) -> Floats:
        """Points in cells, (..., 2), of positions in metres: the inverse of `to_metres`."""
        x, y, yaw = self.origin
        turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
        return (np.asarray(position) - (x, y)) @ turn / self.resolution
