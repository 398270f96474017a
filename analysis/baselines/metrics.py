"""What is measured of a run: idleness, distance, and bits sent."""

from __future__ import annotations

import numpy as np

from cmarlsim.building.zones import inside_zones
from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.scenario import Scenario

REAL_BITS = 64
"""Bits of a multiplier, where multipliers are sent."""


def idleness(reward: Bools) -> Ints:
    """Steps since each zone was last attended, (T, M) from (T, M); 0 while it is.

    The measure of the patrolling literature. Before its first visit a zone counts from the run's beginning.
    """
    t = np.arange(1, len(reward) + 1)[:, None]
    return t - np.maximum.accumulate(np.where(reward, t, 0), axis=0)


def distance(position: Floats) -> Floats:
    """Metres that each agent travelled, (N,) from positions (T, N, 2); nothing from its death on."""
    stride = np.hypot(*np.moveaxis(np.diff(position, axis=0), -1, 0))
    return np.nansum(stride, axis=0)


def literal_bits(chunk: Chunk, T0: int, M: int) -> int:
    """Bits of eq. (17) as written: at step t of a rollout M for each earlier step, to each neighbour."""
    talking = chunk.link.sum(axis=(1, 2), dtype=np.int64)
    return int((talking * (np.arange(len(talking)) % T0)).sum()) * M


def news_bits(chunk: Chunk, scenario: Scenario) -> int:
    """Bits that no protocol with the same estimates can save.

    One for each agent, zone and step of which the agent knows at the end of the rollout that the zone was
    attended, without having been there: somebody must have told it. What addressing takes is not counted.
    """
    return int((chunk.estimate & ~inside_zones(scenario.world, chunk.position)).sum())


def averaging_bits(chunk: Chunk, M: int) -> int:
    """Bits of consensus: M multipliers to each neighbour at each step."""
    return int(chunk.link.sum(dtype=np.int64)) * M * REAL_BITS
