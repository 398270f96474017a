"""What is wrong with a floor plan, all of it at once: its names, its size, its geometry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from cmarlsim.building.geometry import error, geometry_problems
from cmarlsim.building.tables import LONGEST_WAYS
from cmarlsim.errors import Finding, nearest, shown
from cmarlsim.validation import repeated

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan
    from cmarlsim.building.tables import Edge

SMALLEST, LARGEST = 0.5, 2000.0
"""Metres from one side of a plan to the other, the longer way, unless it says that its units are metres."""

FARTHEST = 1e6
"""Metres from the origin: farther off, coordinates are less exact than the tolerances."""

MOST_COMPARISONS = 10**10
"""Of tiles, walls, waypoints and edges with each other: half a minute."""


def plan_problems(plan: FloorPlan) -> list[Finding]:
    """All errors of a plan whose tables are valid one by one; edges without clear ends have no geometry."""
    found = [*_names(plan), *_edges(plan)]
    if plan.tiles == "rooms" and not plan.rooms:
        return [*found, error("tiles = 'rooms'", "but there are no [[rooms]]")]
    if unfit := [*size_problems(plan)]:
        return [*found, *unfit]
    return [*found, *_extent(plan), *geometry_problems(with_clear_edges(plan) if found else plan)]


def _names(plan: FloorPlan) -> Iterator[Finding]:
    """Names that stand twice."""
    tiles = plan.tiles if isinstance(plan.tiles, tuple) else ()
    names = {
        "tiles": [tile.name for tile in tiles],
        "waypoints": [waypoint.name for waypoint in plan.waypoints],
        "rooms": [room.name for room in plan.rooms],
        "doors": [door.name for door in plan.doors],
        "levels": [level.name for level in plan.levels],
    }
    for kind, listed in names.items():
        for problem in repeated(listed):
            yield error(kind, problem)


def _edges(plan: FloorPlan) -> Iterator[Finding]:
    """Edges to waypoints that are not there, and edges that stand twice."""
    known = {waypoint.name for waypoint in plan.waypoints}
    for i, edge in enumerate(plan.edges):
        for name in dict.fromkeys(edge.ends):
            if name not in known:
                called = f"edges[{i}] = {shown([*edge.ends])}"
                yield error(called, f"there is no waypoint {shown(name)}{nearest(name, known)}")
    times = Counter(ends for edge in plan.edges for ends in _directions(edge))
    for first, second in sorted({(min(ends), max(ends)) for ends, count in times.items() if count > 1}):
        count = max(times[first, second], times[second, first])
        yield error("edges", f"{shown([first, second])} stands {count} times; once is enough")


def _directions(edge: Edge) -> set[tuple[str, str]]:
    """The ways that an edge leads, from name to name."""
    return {edge.ends} if edge.one_way else {edge.ends, edge.ends[::-1]}


def size_problems(plan: FloorPlan) -> Iterator[Finding]:
    """What makes it useless to look at the geometry."""
    corners = [*plan.tile_outlines(), plan.wall_segments(), plan.waypoint_positions()]
    corners += [np.array(table.polygon) for table in plan.rooms]
    corners += [np.array(table.points) for table in plan.doors]
    corners += [np.array(level.rectangle) for level in plan.levels]
    farthest = max(float(np.abs(each).max(initial=0.0)) for each in corners)
    if farthest > FARTHEST:
        yield error(
            "",
            f"a corner is {farthest:g} m from the origin, at most {FARTHEST:g} m is exact enough: "
            "are the units metres? If so, subtract one corner from all coordinates",
        )
    walked = BaseModel.model_copy(plan, update={"edges": tuple(each for each in plan.edges if not each.lift)})
    clear = with_clear_edges(walked)
    start, stop = np.moveaxis(clear.waypoint_positions()[clear.edge_indices()], 1, 0)
    straight = float(np.hypot(*(stop - start).T).sum())
    if straight > LONGEST_WAYS:
        yield error(
            "edges", f"{straight:g} m long together; at most {LONGEST_WAYS:g} m, are the units metres?"
        )
    tiles, segments = len(plan.tile_names()), len(plan.waypoints) + len(plan.edges)
    comparisons = tiles**2 + segments * (tiles + sum(len(wall.points) - 1 for wall in plan.walls))
    if comparisons > MOST_COMPARISONS:
        yield error(
            "",
            f"{tiles:,} tiles, {len(plan.waypoints):,} waypoints, {len(plan.edges):,} edges and "
            f"{len(plan.walls):,} walls are too many to be compared with each other; use fewer of them",
        )


def _extent(plan: FloorPlan) -> Iterator[Finding]:
    """A size that no building has."""
    if plan.units is None and not SMALLEST <= plan.extent <= LARGEST:
        others = "millimetres or pixels" if plan.extent > LARGEST else "kilometres"
        yield error(
            "",
            f"it is {plan.extent:g} m from side to side, and buildings are {SMALLEST:g} to {LARGEST:g}: "
            f'coordinates are in metres, are these {others}? If not, write units = "m" above the tables',
        )


def with_clear_edges(plan: FloorPlan) -> FloorPlan:
    """The plan without edges to waypoints that are not there, or of a name that several have."""
    times = Counter(waypoint.name for waypoint in plan.waypoints)
    clear: Sequence[Edge] = [edge for edge in plan.edges if all(times[name] == 1 for name in edge.ends)]
    return BaseModel.model_copy(plan, update={"edges": tuple(clear)})
