"""What would make a scenario faster, or more like what its author may have meant."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cmarlsim.building.geometry import dots, line
from cmarlsim.errors import Finding, shown
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.scenario import Scenario
from cmarlsim.scenario.problems import called

FAR = 0.5
"""A disc's waypoint is far from its centre if it is more than so many radii away."""

LARGE_ERROR = 0.05
"""Share of a way's length that snapping may change before there is a warning."""

SMALL_PART = 0.8
"""A zone of which walls leave less than so much of its area is another than it looks."""

SNAPS = (0.5, 0.25, 0.2, 0.125, 0.1, 0.05)
"""Values of `agents.snap` that are tried, as shares of the speed, from coarse to fine."""

SMALL_ERROR = 0.03
"""Share of a way's length that a proposed snap may change."""


def hints(scenario: Scenario) -> Iterator[Finding]:
    """What could be better."""
    yield from _team(scenario)
    yield from _rollouts(scenario)
    yield from _speed(scenario)
    yield from _range(scenario)
    yield from _zones(scenario)
    yield from _snap(scenario)


def _team(scenario: Scenario) -> Iterator[Finding]:
    if scenario.agents.N >= scenario.M:
        text = f"is not below the number of zones, {scenario.M}: no zone needs sharing, agents can stay"
        yield Finding("hint", f"agents.N = {scenario.agents.N}", text)


def _rollouts(scenario: Scenario) -> Iterator[Finding]:
    world, T0 = scenario.world, scenario.dual.T0
    steps = math.ceil(int(world.to_go[world.goal].max()) / scenario.speed_ticks)
    if steps <= T0 < 2 * steps:
        text = f"the longest trip between zones takes {steps} steps: there is no time to come back"
        yield Finding("hint", f"dual.T0 = {T0}", text)


def _speed(scenario: Scenario) -> Iterator[Finding]:
    lengths = scenario.world.edge_ticks / TICKS_PER_METRE
    if len(lengths) and scenario.agents.speed > (typical := float(np.median(lengths))):
        text = f"half of the edges are shorter than {typical:.3g} m: agents pass waypoints between two steps"
        yield Finding("hint", f"agents.speed = {scenario.agents.speed:g} m a step", text)


def _range(scenario: Scenario) -> Iterator[Finding]:
    d = scenario.links.d
    if scenario.links.model == "sight-or-disc" and d is not None and d >= scenario.floorplan.extent:
        text = f"the building is {scenario.floorplan.extent:.3g} m from side to side: all can always talk"
        yield Finding("hint", f"links.d = {d:g} m", text)


def _zones(scenario: Scenario) -> Iterator[Finding]:
    """Zones that are not quite where they seem to be."""
    import shapely

    plan = scenario.floorplan
    for m, (zone, region) in enumerate(zip(scenario.zones, scenario.regions, strict=True)):
        goal = plan.waypoints[region.goal]
        away = math.dist(goal.position, region.center)
        if zone.radius is not None and away > FAR * zone.radius:
            text = f"agents go to its waypoint {shown(goal.name)}, {away:.3g} m from the center"
            yield Finding("hint", called(scenario, m), text, line([region.center, goal.position]))
        if region.part is not None:
            whole, left = (shapely.Polygon(each.outline()).area for each in (region.without_walls(), region))
            if left < SMALL_PART * whole:
                text = f"walls leave {100 * left / whole:.0f} % of its area, and only that counts"
                yield Finding("hint", called(scenario, m), text, dots([region.center]))


def _snap(scenario: Scenario) -> Iterator[Finding]:
    """Whether places are numbered, and what snapping changes."""
    if scenario.agents.snap is not None:
        error = scenario.snap_error()
        if error.way_share > LARGE_ERROR:
            text = (
                f"changes ways between zones by up to {100 * error.way_share:.3g} %; a smaller one is closer"
            )
            yield Finding("warning", f"agents.snap = {scenario.agents.snap:g} m", text)
        return
    if len(scenario.numbered.tile):
        return
    for share in SNAPS:
        snap = share * scenario.agents.speed
        other = scenario.model_copy(update={"agents": scenario.agents.model_dump() | {"snap": snap}})
        error = other.snap_error()
        if error.way_share <= SMALL_ERROR and len(other.numbered.tile):
            change = f"{100 * error.way_share:.2g} %"
            text = (
                f"agents come to too many places to number them; with agents.snap = {snap:g} runs are "
                f"several times faster, and ways change by {change} at most"
            )
            yield Finding("hint", "agents.snap", text)
            return
