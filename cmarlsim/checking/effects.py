"""Keys that change nothing: what they were meant to do is not done."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cmarlsim.building.areas import Area, Region, place_zones
from cmarlsim.building.geometry import dots
from cmarlsim.errors import Finding, listed
from cmarlsim.scenario import Scenario

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
    """Centres and `through_walls` without which zones would be the same."""
    walls, centers = list[int](), list[int]()
    for m, (zone, region) in enumerate(zip(scenario.zones, scenario.regions, strict=True)):
        area = region.area
        if zone.through_walls and _placed(scenario, area._replace(through_walls=False)).part is None:
            walls.append(m)
        if zone.center is not None and zone.radius is None:
            other = _placed(scenario, area._replace(center=None))
            if other.goal == region.goal and (other.part is None) == (region.part is None):
                centers.append(m)
    for key, which, why in (
        ("through_walls", walls, "no wall is in them"),
        ("center", centers, "agents go to the same waypoints without it"),
    ):
        if which:
            names = listed([scenario.zones[m].name for m in which])
            text = f"{key} has no effect in {names}: {why}"
            yield Finding("hint", "zones", text, dots(scenario.zone_centers[which]))


def _placed(scenario: Scenario, area: Area) -> Region:
    return place_zones(scenario.travelled, (area,))[0]


def _tiles(scenario: Scenario) -> Iterator[Finding]:
    """Tiles on which no way lies."""
    plan = scenario.floorplan
    if isinstance(plan.tiles, tuple):
        unmet = np.setdiff1d(np.arange(len(plan.tiles)), scenario.world.piece_tile)
        if len(unmet):
            names = listed([plan.tiles[i].name for i in unmet])
            yield Finding("hint", "tiles", f"no way meets {names}", dots(plan.tile_centers()[unmet]))


def _rooms_and_doors(scenario: Scenario) -> Iterator[Finding]:
    """Rooms that no way leads into, and doors that no edge crosses."""
    import shapely

    plan = scenario.floorplan
    if not plan.rooms and not plan.doors:
        return
    ends = plan.waypoint_positions()[plan.edge_indices()]
    walked = ends[np.array([edge.lift is None for edge in plan.edges], dtype=np.bool_)]
    ways = shapely.STRtree([*shapely.linestrings(walked), *shapely.points(plan.waypoint_positions())])
    rooms = [(room.name, shapely.Polygon(room.polygon)) for room in plan.rooms]
    doors = [(door.name, shapely.LineString(door.points)) for door in plan.doors]
    for key, shapes, text in (("rooms", rooms, "no way leads into"), ("doors", doors, "no edge crosses")):
        unmet = [
            (name, shape)
            for name, shape in shapes
            if not len(ways.query(shape, predicate="dwithin", distance=BESIDE))
        ]
        if unmet:
            points = [shapely.get_coordinates(shape.representative_point())[0] for _, shape in unmet]
            yield Finding("hint", key, f"{text} {listed([name for name, _ in unmet])}", dots(points))


def _levels(scenario: Scenario) -> Iterator[Finding]:
    """Levels without a waypoint."""
    plan = scenario.floorplan
    if plan.levels:
        empty = np.setdiff1d(np.arange(len(plan.levels)), plan.waypoint_levels())
        if len(empty):
            boxes = np.array([plan.levels[i].rectangle for i in empty])
            names = listed([plan.levels[i].name for i in empty])
            text = f"no waypoint is in {names}"
            yield Finding("hint", "levels", text, dots((boxes[:, :2] + boxes[:, 2:]) / 2))
