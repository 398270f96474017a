"""Keys that change nothing: what they were meant to do is not done."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cmarlsim.building.areas import place_zones
from cmarlsim.building.geometry import places
from cmarlsim.errors import Finding, listed, shown
from cmarlsim.scenario import Scenario
from cmarlsim.scenario.problems import key_of

BESIDE = 1e-6
"""Metres within which a way meets a door."""


def keys_without_effect(scenario: Scenario) -> Iterator[Finding]:
    """Hints at what could be left out, or was meant otherwise."""
    yield from _zones(scenario)
    yield from _tiles(scenario)
    yield from _rooms_and_doors(scenario)
    yield from _levels(scenario)
    start, N = scenario.agents.start or (), scenario.agents.N
    if len(start) > N:
        yield Finding("hint", "agents.start", f"has {len(start)} waypoints, of which N = {N} are used")


def _zones(scenario: Scenario) -> Iterator[Finding]:
    """Centres and `through_walls` without which the zone would be the same."""
    for m, (zone, region) in enumerate(zip(scenario.zones, scenario.regions, strict=True)):
        at = places([region.center])
        if zone.through_walls:
            area = region.area._replace(through_walls=False)
            if place_zones(scenario.travelled, (area,))[0].part is None:
                yield Finding(
                    "hint",
                    f"{key_of(scenario, m)}.through_walls",
                    "has no effect: no wall is in the zone",
                    at,
                )
        if zone.center is not None and zone.radius is None:
            other = place_zones(scenario.travelled, (region.area._replace(center=None),))[0]
            if other.goal == region.goal and (other.part is None) == (region.part is None):
                text = "has no effect: agents go to the same waypoint without it"
                yield Finding("hint", f"{key_of(scenario, m)}.center", text, at)


def _tiles(scenario: Scenario) -> Iterator[Finding]:
    """Tiles on which no way lies."""
    plan = scenario.floorplan
    if isinstance(plan.tiles, tuple):
        unmet = np.setdiff1d(np.arange(len(plan.tiles)), scenario.world.piece_tile)
        if len(unmet):
            names = listed([plan.tiles[i].name for i in unmet])
            yield Finding("hint", "tiles", f"no way meets {names}", places(plan.tile_centers()[unmet]))


def _rooms_and_doors(scenario: Scenario) -> Iterator[Finding]:
    """Rooms that no way leads into, and doors that no edge crosses."""
    import shapely

    plan = scenario.floorplan
    if not plan.rooms and not plan.doors:
        return
    ends = plan.waypoint_positions()[plan.edge_indices()]
    walked = ends[[edge.lift is None for edge in plan.edges]]
    ways = shapely.STRtree([*shapely.linestrings(walked), *shapely.points(plan.waypoint_positions())])
    rooms = [shapely.Polygon(room.polygon) for room in plan.rooms]
    doors = [shapely.LineString(door.points) for door in plan.doors]
    for room, shape in zip(plan.rooms, rooms, strict=True):
        if not len(ways.query(shape, predicate="intersects")):
            point = shape.representative_point()
            yield Finding("hint", f"rooms: {shown(room.name)}", "no way leads into it", ((point.x, point.y),))
    for door, line in zip(plan.doors, doors, strict=True):
        if not len(ways.query(line, predicate="dwithin", distance=BESIDE)):
            yield Finding("hint", f"doors: {shown(door.name)}", "no edge crosses it", places(door.points))


def _levels(scenario: Scenario) -> Iterator[Finding]:
    """Levels without a waypoint."""
    plan = scenario.floorplan
    if plan.levels:
        for i in np.setdiff1d(np.arange(len(plan.levels)), plan.waypoint_levels()).tolist():
            x_min, y_min, x_max, y_max = plan.levels[i].rectangle
            middle = ((x_min + x_max) / 2, (y_min + y_max) / 2)
            yield Finding("hint", f"levels: {shown(plan.levels[i].name)}", "has no waypoint", (middle,))
