"""Edges with lengths of whole multiples of a unit, so that agents come to few places on any plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.kernels.world import TICKS_PER_METRE, Floats, World

_UNIT = 2**10
"""Ticks: multiples of it are lengths in metres that 64-bit floats have exactly."""


def snap_ticks(snap: float) -> int:
    """`snap` metres in ticks."""
    return max(1, round(snap * TICKS_PER_METRE / _UNIT)) * _UNIT


def snapped(plan: FloorPlan, snap: float) -> FloorPlan:
    """The plan with edges whose lengths are rounded to whole multiples of `snap` metres, at least one."""
    exact = snap_ticks(snap) / TICKS_PER_METRE
    return plan.with_lengths([max(1, round(length / exact)) * exact for length in plan.edge_lengths()])


class SnapError(NamedTuple):
    """How much snapping changes lengths, the largest changes; with no edges or ways, zeros.

    Attributes
    ----------
    edge, way
        Metres, of an edge, and of a shortest way between two zones.
    edge_share, way_share
        The same as shares of the length in the plan.
    """

    edge: float
    edge_share: float
    way: float
    way_share: float


def snap_error(plan: FloorPlan, world: World, snapped_plan: FloorPlan, snapped_world: World) -> SnapError:
    """Compare a plan and its world with the snapped ones."""
    edges = _largest(np.array(plan.edge_lengths()), np.array(snapped_plan.edge_lengths()))
    ways = (each.to_go[each.goal] / TICKS_PER_METRE for each in (world, snapped_world))
    return SnapError(*edges, *_largest(*ways))


def _largest(exact: Floats, rounded: Floats) -> tuple[float, float]:
    change = np.abs(rounded - exact)
    share = np.divide(change, exact, out=np.zeros_like(change), where=exact > 0)
    return float(change.max(initial=0.0)), float(share.max(initial=0.0))
