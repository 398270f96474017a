"""Positions of a recording in the frame of the map that its floor plan was imported from."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from cmarlsim.building.source import in_source
from cmarlsim.errors import ArgumentError
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario


class Positioned(Protocol):
    """What has positions: a recording."""

    scenario: Scenario

    def read(self, name: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Read a dataset."""


class Mapped(NamedTuple):
    """Positions in the frame of a source.

    Attributes
    ----------
    levels
        Names of the levels; a plan without levels is one.
    level
        The level of each position by its index, (T, N); -1 in none.
    position
        Coordinates as the source has them, (T, N, 2): metres of the map's frame for maps of ROS, pixels or
        cells from the upper left corner for pictures, Open-RMF and MovingAI.
    """

    levels: tuple[str, ...]
    level: Ints
    position: Floats


def to_map(recording: Positioned, position: Floats | None = None) -> Mapped:
    """Positions in the frame of the file that the floor plan was imported from.

    Parameters
    ----------
    position
        Metres of the plan, (..., 2); by default those of the recording, (T, N, 2).

    Raises
    ------
    InputError
        If the recording keeps no positions and none are given, or they have another shape.

    Examples
    --------
    >>> import cmarlsim
    >>> run = cmarlsim.execute(cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank"), steps=200)
    >>> run.to_map().position.shape  # the plan was not imported, so these are its own metres
    (200, 2, 2)
    >>> run.to_map([3.0, 1.0]).position
    array([3., 1.])
    """
    points = recording.read("position") if position is None else np.asarray(position, dtype=np.float64)
    if points.shape[-1:] != (2,):
        raise ArgumentError("position", position, "must be an array of shape (..., 2), in metres of the plan")
    plan = recording.scenario.floorplan
    names = tuple(level.name for level in plan.levels) or (plan.name,)
    return Mapped(names, *in_source(plan, points))
