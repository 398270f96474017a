"""What is wrong with a scenario whose floor plan can be, all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.areas import Region
from cmarlsim.building.geometry import dots, error
from cmarlsim.building.tables import LONGEST_WAYS
from cmarlsim.building.tiling import tiles_at
from cmarlsim.errors import Finding, listed, nearest, shown
from cmarlsim.graphs import components
from cmarlsim.kernels.routes import UNREACHED
from cmarlsim.kernels.world import TOLERANCE
from cmarlsim.validation import dotted, repeated

if TYPE_CHECKING:
    from cmarlsim.scenario.scenario import Scenario

MOST_EXTENTS = 10.0
"""A speed or radius that is more than so many times as long as the floor plan is a slip of the units."""


def scenario_problems(scenario: Scenario) -> list[Finding]:
    """All errors of a scenario whose tables are valid one by one."""
    return zone_problems(scenario) or [*_snapped(scenario)] or [*_ways(scenario)]


def zone_problems(scenario: Scenario) -> list[Finding]:
    """The errors that can be told whatever the ways in the floor plan are."""
    found, unfit = [*_names(scenario), *_footprint(scenario)], [*_rooms(scenario), *_sizes(scenario)]
    return [*found, *(unfit or _zones(scenario))]


def key_of(scenario: Scenario, m: int) -> str:
    """Key of zone m in messages."""
    return dotted(("zones", m), {"zones": [{"name": zone.name} for zone in scenario.zones]})


def called(scenario: Scenario, m: int) -> str:
    """Zone m in messages: its key, and its name where the key does not have it."""
    key, name = key_of(scenario, m), scenario.zones[m].name
    return key if key == f"zones.{name}" else f"{key} ({shown(name, 40)})"


def _names(scenario: Scenario) -> Iterator[Finding]:
    """Names that stand twice, and starts at waypoints that are not in the plan."""
    for problem in repeated([zone.name for zone in scenario.zones]):
        yield error("zones", problem)
    known = {waypoint.name for waypoint in scenario.floorplan.waypoints}
    for i, name in enumerate(scenario.agents.start or ()):
        if name not in known:
            yield _unknown(scenario, f"agents.start[{i}]", "waypoint", name, known)


def _rooms(scenario: Scenario) -> Iterator[Finding]:
    """Zones in rooms that are not in the plan."""
    known = {room.name for room in scenario.floorplan.rooms}
    for m, zone in enumerate(scenario.zones):
        if zone.room is not None and zone.room not in known:
            yield _unknown(scenario, f"{key_of(scenario, m)}.room", "room", zone.room, known)


def _unknown(scenario: Scenario, key: str, kind: str, name: str, known: set[str]) -> Finding:
    text = f"floorplan '{scenario.floorplan.name}' has no such {kind}{nearest(name, known)}"
    return error(f"{key} = {shown(name)}", text)


def _sizes(scenario: Scenario) -> Iterator[Finding]:
    """Lengths of another unit than the plan's."""
    extent = scenario.floorplan.extent
    lengths = {"agents.speed": scenario.agents.speed}
    lengths |= {f"{key_of(scenario, m)}.radius": zone.radius or 0.0 for m, zone in enumerate(scenario.zones)}
    for key, length in lengths.items():
        if length > MOST_EXTENTS * extent:
            size = f"floorplan '{scenario.floorplan.name}' is {extent:g} m from side to side"
            yield error(f"{key} = {length:g} m", f"but {size}: are both in metres?")


def _snapped(scenario: Scenario) -> Iterator[Finding]:
    """Ways that snapping makes too long to be counted."""
    snapped = sum(scenario.travelled.edge_lengths())
    if scenario.agents.snap is not None and snapped > LONGEST_WAYS:
        text = f"makes edges {snapped:g} m long together; at most {LONGEST_WAYS:g} m"
        yield error(f"agents.snap = {scenario.agents.snap:g} m", text)


def _footprint(scenario: Scenario) -> Iterator[Finding]:
    """A footprint that does not fit the team."""
    try:
        scenario.links.for_kernels(scenario.agents.N)
    except ValueError as problem:
        yield error("", f"links.{problem}")


def _zones(scenario: Scenario) -> Iterator[Finding]:
    """Zones that nobody can attend."""
    plan = scenario.floorplan
    tiles = tiles_at(plan, scenario.zone_centers)
    for m, region in enumerate(scenario.regions):
        if region.level < 0 or tiles[m] < 0:
            lacking = "in no level" if region.level < 0 else "on no tile"
            key = f"{key_of(scenario, m)}.center = {region.center.tolist()}"
            yield error(key, f"lies {lacking} of '{plan.name}'", dots([region.center]))
        elif region.goal < 0:
            yield _nobody_can_stay(scenario, m, region)


def _nobody_can_stay(scenario: Scenario, m: int, region: Region) -> Finding:
    """What to say of a zone without a waypoint."""
    plan, radius, key = scenario.floorplan, scenario.zones[m].radius, key_of(scenario, m)
    away = np.hypot(*(plan.waypoint_positions() - region.center).T)
    goal = plan.waypoints[away.argmin()]
    problem = "no agent can stay in it; put a waypoint inside the zone"
    if radius is not None and away.min() > radius + TOLERANCE:
        text = f"but the nearest waypoint '{goal.name}' is {away.min():.3g} m from its center: {problem}"
        return error(f"{key}.radius = {radius:g} m", text, dots([region.center]))
    if region.part is not None:
        problem += ", or write through_walls = true"
    return error(key, f"has no waypoint in it that walls do not cut off: {problem}", dots([region.center]))


def _ways(scenario: Scenario) -> Iterator[Finding]:
    """Waypoints from which no way leads to a zone."""
    plan, key = scenario.floorplan, f"floorplan '{scenario.floorplan.name}'"
    points, rule = plan.waypoint_positions(), "every waypoint must reach every zone"
    parts = components(len(plan.waypoints), plan.edge_indices().tolist())
    if len(parts) > 1:
        goals = {region.goal for region in scenario.regions}
        main = max(parts, key=lambda part: (len(goals.intersection(part)), len(part)))
        lost = sorted(p for part in parts if part is not main for p in part)
        names = listed([plan.waypoints[p].name for p in lost])
        begin = f"the waypoint graph is in {len(parts)} parts, no path leads from waypoint"
        text = f"{begin} '{plan.waypoints[main[0]].name}' to '{names}'; {rule}"
        yield error(key, text, dots(points[lost]))
        return
    stuck = scenario.world.to_go >= UNREACHED
    for m in np.flatnonzero(stuck.any(axis=0)).tolist():
        from_ = np.flatnonzero(stuck[:, m])
        names = listed([plan.waypoints[p].name for p in from_])
        text = f"along its one-way edges no way leads to {key_of(scenario, m)} from {names}; {rule}"
        yield error(key, text, dots(points[from_]))
