"""What may go wrong with a scenario that is valid: warnings, when it is loaded and when it is checked."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.geometry import dots, line
from cmarlsim.building.samples import Samples, sample_ways
from cmarlsim.errors import Finding, shown
from cmarlsim.kernels.plans import find_blocking
from cmarlsim.kernels.world import SIGHT_OR_DISC, TOLERANCE, Floats
from cmarlsim.scenario.problems import called
from cmarlsim.scenario.tables import LINK_MODELS
from cmarlsim.scenario.units import units_look_wrong

if TYPE_CHECKING:
    from cmarlsim.scenario.scenario import Scenario
    from cmarlsim.scenario.tables import Links

LEAST_COMMON = 0.01
"""Metres of way that two zones must share to overlap."""

LEAST_CUT = 0.05
"""Metres of way that walls must cut off from a zone for a warning."""

SHORTER = 0.99
"""A length below so many times the distance of an edge's ends is shorter than the straight line."""

NEAREST = 256
"""Positions from near to far that are looked at first."""


def dangers(scenario: Scenario) -> Iterator[list[Finding]]:
    """All warnings that loading gives, those of one kind together."""
    samples = sample_ways(scenario.world)
    yield [*short_rollouts(scenario)]
    yield [*overlapping_zones(scenario, samples)]
    yield [*zones_through_walls(scenario)]
    yield [*zones_without_signal(scenario, samples)]
    yield [*units_look_wrong(scenario, samples)]


def warn_of_dangers(scenario: Scenario, settings: Sequence[str], source: str) -> None:
    """Warn of what may go wrong, in one line for each kind of it; what an override sets is meant so."""
    meant = tuple(f"{setting.partition('=')[0].strip()} = " for setting in settings)
    for found in [[*unused_links(scenario.links, settings)], *dangers(scenario)]:
        if found and not found[0].key.startswith(meant):
            more = f"; and {len(found) - 1} more of this kind" if len(found) > 1 else ""
            warnings.warn(f"{source}: {found[0]}{more}", stacklevel=3)


def overload(scenario: Scenario) -> Iterator[Finding]:
    """Thresholds beyond what Theorem 1 asks for."""
    load = sum(zone.c for zone in scenario.zones)
    if load > scenario.agents.N - 1 + TOLERANCE:
        text = f"the thresholds c add up to {load:g} > N - 1 = {scenario.agents.N - 1}"
        yield Finding("warning", "", f"{text}: Theorem 1 does not apply")


def unused_links(links: Links, settings: Sequence[str]) -> Iterator[Finding]:
    """Keys that the link model does not use, unless they are left over from the file's own model."""
    keys = [setting.partition("=")[0].strip() for setting in settings]
    unused = [key for key in links.unused if f"links.{key}" in keys or "links.model" not in keys]
    if unused:
        listed = " and ".join(f"links.{key}" for key in unused)
        yield Finding("warning", "", f"links.model = '{links.model}' does not use {listed}")


def short_rollouts(scenario: Scenario) -> Iterator[Finding]:
    """Rollouts in which an agent cannot go from one zone to another."""
    world, T0 = scenario.world, scenario.dual.T0
    trips = world.to_go[world.goal]
    a, b = np.unravel_index(trips.argmax(), trips.shape)
    steps = math.ceil(trips[a, b] / scenario.speed_ticks)
    if steps > T0:
        text = (
            f"shorter than the trip from {called(scenario, int(a))} to {called(scenario, int(b))}, "
            f"{steps} steps: multipliers change before agents arrive; {2 * steps} or more is safe"
        )
        yield Finding("warning", f"dual.T0 = {T0}", text, dots(world.waypoint[world.goal[[b]]]))


def overlapping_zones(scenario: Scenario, samples: Samples) -> Iterator[Finding]:
    """Zones that one agent attends at once; the paper's bounds take them to be apart."""
    zones = samples.zones
    several = np.flatnonzero(np.bitwise_count(zones).sum(axis=1) > 1)
    common: dict[tuple[int, int], list[int]] = {}
    for k in several.tolist():
        inside = [m for m in range(scenario.M) if int(zones[k, m // 64]) >> (m % 64) & 1]
        for i, one in enumerate(inside):
            for other in inside[i + 1 :]:
                common.setdefault((one, other), []).append(k)
    for (one, other), at in sorted(common.items()):
        metres = float(samples.metres[at].sum())
        if metres > LEAST_COMMON:
            text = (
                f"overlap: on {metres:.3g} m of the ways an agent attends both; bounds take zones to be apart"
            )
            middle = samples.position[at[int(samples.metres[at].argmax())]]
            key = f"{called(scenario, one)} and {called(scenario, other)}"
            yield Finding("warning", key, text, dots([middle]))


def zones_through_walls(scenario: Scenario) -> Iterator[Finding]:
    """Zones of which walls cut off parts that agents come to."""
    plan = scenario.travelled
    for m, region in enumerate(scenario.regions):
        if region.part is None:
            continue
        points, metres = _along(scenario, m)
        here = plan.level_of(points) == region.level
        whole = region.without_walls()
        lost = here & whole.holds(points) & ~region.holds(points)
        if (cut := float(metres[lost].sum())) > LEAST_CUT:
            text = f"reaches through walls: {cut:.3g} m of the ways behind them do not count"
            remedy = "make it smaller, or write through_walls = true"
            yield Finding("warning", called(scenario, m), f"{text}; {remedy}", dots([points[lost][0]]))


def _along(scenario: Scenario, m: int) -> tuple[Floats, Floats]:
    """Positions (K, 2) close together on the edges near zone m, and how many metres each stands for."""
    outline = scenario.regions[m].without_walls().outline()
    low, high = outline.min(axis=0), outline.max(axis=0)
    ends = scenario.world.waypoint[scenario.world.edge[~scenario.world.lift]]
    near = (ends.min(axis=1) <= high).all(axis=1) & (ends.max(axis=1) >= low).all(axis=1)
    start, step = ends[near, 0], ends[near, 1] - ends[near, 0]
    length = np.hypot(*step.T)
    parts = np.maximum(1, np.ceil(length / max(0.02, float(length.sum()) / 10_000))).astype(np.int64)
    edge = np.repeat(np.arange(len(parts)), parts)
    k = np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)
    points = start[edge] + ((k + 0.5) / parts[edge])[:, None] * step[edge]
    return points, (length / parts)[edge]


def zones_without_signal(scenario: Scenario, samples: Samples) -> Iterator[Finding]:
    """Zones whose agents can talk to nobody outside, while they stay where zones are attended."""
    if LINK_MODELS[scenario.links.model][0] != SIGHT_OR_DISC:
        return
    world, reach = scenario.world, float(scenario.links.d or 0.0) + TOLERANCE
    x, y = samples.position.T
    from_left = np.argsort(x, kind="stable")
    for m, goal in enumerate(world.goal.tolist()):
        at = world.waypoint[goal]
        first, last = np.searchsorted(x[from_left], (at[0] - reach, at[0] + reach))
        near = from_left[first:last]
        near = near[(np.hypot(x[near] - at[0], y[near] - at[1]) <= reach) & ~samples.inside(m)[near]]
        if (samples.level[near] == world.level[goal]).any():
            continue
        outside = ~samples.inside(m)
        there = samples.position[outside & (samples.level == world.level[goal])]
        if outside.any() and not _any_in_sight(world.wall, at, there):
            name = shown(scenario.floorplan.waypoints[goal].name)
            text = (
                f"is without signal: from its waypoint {name} no way outside of it is in sight or within "
                f"links.d = {scenario.links.d:g} m"
            )
            yield Finding("warning", called(scenario, m), text, dots([at]))


def _any_in_sight(wall: Floats, start: Floats, there: Floats) -> bool:
    """Whether any of the positions (K, 2) can be seen from `start`; the nearest are looked at first."""
    there = there[np.argsort(np.hypot(*(there - start).T), kind="stable")]
    for some in (there[:NEAREST], there[NEAREST:]):
        blocking = np.zeros(len(some), dtype=np.int64)
        find_blocking(wall, np.hstack([np.tile(start, (len(some), 1)), some]), blocking)
        if (blocking < 0).any():
            return True
    return False


def edges_shorter_than_straight(scenario: Scenario) -> Iterator[Finding]:
    """Edges whose length is below the distance of their ends; in graphs of others that is usual."""
    plan = scenario.floorplan
    ends = plan.waypoint_positions()[plan.edge_indices()]
    straight = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    for i, edge in enumerate(plan.edges):
        if edge.lift is None and edge.length is not None and edge.length < SHORTER * straight[i]:
            text = f"length = {edge.length:g} m is below the distance of its ends, {straight[i]:.3g} m"
            yield Finding("warning", f"edges[{i}] = {shown([*edge.ends])}", text, line(ends[i]))
