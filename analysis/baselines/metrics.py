"""What is measured of a run: idleness, distance, bits sent, and how much multipliers move."""

from __future__ import annotations

import numpy as np

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


def bits_sent(sends: str, chunk: Chunk, scenario: Scenario) -> float:
    """Bits that the team sends as its protocol is written; NaN where that is left open."""
    if sends == "multipliers":
        return averaging_bits(chunk, scenario.M)
    if sends == "observations":
        return literal_bits(chunk, scenario.dual.T0, scenario.M)
    return 0.0 if sends == "nothing" else np.nan


def literal_bits(chunk: Chunk, T0: int, M: int) -> int:
    """Bits of eq. (17) as written: at step t of a rollout M for each earlier step, to each neighbour."""
    talking = chunk.link.sum(axis=(1, 2), dtype=np.int64)
    return int((talking * (np.arange(len(talking)) % T0)).sum()) * M


def averaging_bits(chunk: Chunk, M: int) -> int:
    """Bits of consensus: M multipliers to each neighbour at each step."""
    return int(chunk.link.sum(dtype=np.int64)) * M * REAL_BITS


def lam_change(lam: Floats) -> float:
    """How much multipliers (K, N, M) move a rollout in the last quarter, beside their own size.

    Mean over agents of sum |lam_k+1 - lam_k| / sum lam_k; 0 where all multipliers are 0.
    """
    lam = lam[-(len(lam) // 4 + 1) :]
    moved = np.abs(np.diff(lam, axis=0)).sum(axis=(0, 2))
    size = lam[:-1].sum(axis=(0, 2))
    return float(np.mean(np.divide(moved, size, out=np.zeros_like(moved), where=size > 0)))
