"""Scenarios in large buildings: the paper's, many times over."""

from __future__ import annotations

import math
from numbers import Real

from cmarlsim.building import floorplan, tiling
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import ArgumentError
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.scenario import Agents, Scenario
from cmarlsim.validation import names_checked, parse

HIGHEST_C = 0.85
"""Threshold that `tiled` does not exceed."""


@names_checked
def tiled(
    nx: int, ny: int, N: int, *, speed: float = 1.0, d: float = 5.0, T0: int | None = None, load: float = 0.7
) -> Scenario:
    """Scenario in a large building: the paper's, nx times ny times, with N agents for all its 6 nx ny zones.

    Parameters
    ----------
    nx, ny
        Copies of the paper's floor plan and zones, see `cmarlsim.building.floorplan.tiled`.
    N, speed, d
        Agents, metres a step, range through walls in metres.
    T0
        Steps per rollout; by default three times the longest trip, in full fifties: 100, the paper's, for
        one copy.
    load
        Sum of all thresholds divided by N - 1, in the paper's proportions. None goes beyond `HIGHEST_C`.

    Raises
    ------
    InputError
        If a value is out of range, or the building too large.

    Examples
    --------
    >>> scenario = tiled(3, 2, N=20)
    >>> scenario.M, scenario.zones[6].name, scenario.dual.T0, f"{scenario.c.sum():.3f}"
    (36, 'r0c1-red', 400, '13.300')
    """
    if not (isinstance(load, Real) and load > 0):
        raise ArgumentError("load", load, "must be above 0, and at most 1 for a team that is not overloaded")
    plan, source = floorplan.tiled(nx, ny), f"tiled({nx}, {ny})"
    agents, zones = parse(Agents, {"N": N, "speed": speed}, source), tiling.zones(nx, ny)
    share = load * (agents.N - 1) / sum(zone["c"] for zone in zones)
    zones = [zone | {"c": min(share * zone["c"], HIGHEST_C)} for zone in zones]
    if T0 is None:
        discs = tuple((tuple(zone["center"]), zone["radius"]) for zone in zones)
        longest = build_world(plan, discs).to_go.max() / TICKS_PER_METRE / agents.speed
        T0 = 50 * math.ceil(3 * longest / 50)
    data = {
        "name": plan.name,
        "floorplan": plan,
        "agents": agents,
        "dual": {"alpha": 0.01, "eta": 0.5, "T0": T0},
        "links": {"model": "sight-or-disc", "d": d},
        "zones": zones,
    }
    return parse(Scenario, data, source)
