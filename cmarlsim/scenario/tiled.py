"""Scenarios in large buildings: copies of the paper's plan, joined by streets.

Every copy has the paper's six rooms and L-shaped corridor. Above each row of copies runs a street, 2 m wide,
into which the vertical corridors of that row lead, and those of the row above. Copies stand 28 m and 14 m
apart, whole metres, so that agents come to the same places in each of them.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from cmarlsim.building.areas import Area
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.plan_problems import LARGEST
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import ArgumentError, InputError, is_whole
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.scenario.scenario import Scenario
from cmarlsim.scenario.tables import Agents
from cmarlsim.storage import shipped
from cmarlsim.validation import names_checked, parse, read_toml

Toml = dict[str, Any]
Points = tuple[tuple[float, float], ...]

WIDTH, HEIGHT = 28.0, 14.0
"""Metres from a copy to the next one to the right, and to the next one above."""

MOST_COPIES = 400
"""Tables of the ways to all zones take about 2 kB times the square of the number of copies: here 300 MB."""

CLOSED: Points = ((23.5, 2.0), (30.0, 2.0), (30.0, 14.0), (23.5, 14.0))
"""The wall of the shipped plan that closes both ends of the vertical corridor."""

OPEN: Points = ((26.0, 2.0), (30.0, 2.0), (30.0, 14.0), (26.0, 14.0))
"""What stands in its place: the corridor is open over x = 23.5 to 26."""

STREET = {
    "street west": (2.5, 14.0, 9.5, 16.0),
    "street middle": (9.5, 14.0, 16.5, 16.0),
    "street east": (16.5, 14.0, 23.5, 16.0),
    "street crossing": (23.5, 14.0, 30.5, 16.0),
}
CROSSING = (24.75, 15.0)

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
        Copies of the paper's floor plan and zones side by side, and rows of copies; at most `MOST_COPIES`
        together.
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
    source = f"tiled({nx}, {ny})"
    for key, count in (("nx", nx), ("ny", ny)):
        if not is_whole(count) or count < 1:
            raise ArgumentError(key, count, "must be a whole number of at least 1")
    if nx * ny > MOST_COPIES:
        problem = f"{nx * ny} copies are too many for the tables of the ways between them"
        raise InputError(f"{source}: {problem}: lower nx or ny, so that nx * ny is at most {MOST_COPIES}")
    if not (isinstance(load, Real) and load > 0):
        raise ArgumentError("load", load, "must be above 0, and at most 1 for a team that is not overloaded")
    plan = parse(FloorPlan, floorplan_of(nx, ny), source)
    agents, zones = parse(Agents, {"N": N, "speed": speed}, source), zones_of(nx, ny)
    share = load * (agents.N - 1) / sum(zone["c"] for zone in zones)
    zones = [zone | {"c": min(share * zone["c"], HIGHEST_C)} for zone in zones]
    if T0 is None:
        discs = tuple(Area(tuple(zone["center"]), zone["radius"]) for zone in zones)
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


def floorplan_of(nx: int, ny: int) -> Toml:
    """Floor plan of nx times ny copies; names begin with the copy, such as ``r0c1-office 1``."""
    one = read_toml(shipped.DATA / "floorplans" / "pittsburgh.toml")
    whole: Toml = {"name": f"tiled-{nx}x{ny}", "edges": [], "walls": [], "tiles": [], "waypoints": []}
    if max(WIDTH * nx, HEIGHT * ny) > LARGEST - WIDTH:
        whole["units"] = "m"
    for row in range(ny):
        for column in range(nx):
            right, up, named = WIDTH * column, HEIGHT * row, f"r{row}c{column}-"
            walls = [tuple(map(tuple, wall["points"])) for wall in one["walls"]]
            walls = [OPEN if points == CLOSED else points for points in walls]
            for points in [*walls, *_street_walls(row, column, nx, ny)]:
                whole["walls"].append({"points": [[right + x, up + y] for x, y in points]})
            tiles = {tile["name"]: tile["rectangle"] for tile in one["tiles"]} | STREET
            for name, (x0, y0, x1, y1) in tiles.items():
                box = [right + x0, up + y0, right + x1, up + y1]
                whole["tiles"].append({"name": named + name, "rectangle": box})
            waypoints = {point["name"]: point["position"] for point in one["waypoints"]}
            for name, (x, y) in (waypoints | {"crossing": CROSSING}).items():
                whole["waypoints"].append({"name": named + name, "position": [right + x, up + y]})
            whole["edges"] += [[named + name for name in edge] for edge in one["edges"]]
            whole["edges"] += _street_edges(row, column, nx, ny)
    return whole


def _street_walls(row: int, column: int, nx: int, ny: int) -> list[Points]:
    """Walls along the street above a copy, and at its ends; the corridors' mouths stay open."""
    walls: list[Points] = [((2.5, 14.0), (23.5, 14.0)), ((30.0, 14.0), (30.5, 14.0))]
    if row < ny - 1:
        walls += [((2.5, 16.0), (23.5, 16.0)), ((30.0, 16.0), (30.5, 16.0))]
    else:
        walls += [((2.5, 16.0), (30.5, 16.0))]
    if row == 0:
        walls += [((23.5, 2.0), (26.0, 2.0))]
    if column == 0:
        walls += [((2.5, 14.0), (2.5, 16.0))]
    if column == nx - 1:
        walls += [((30.5, 14.0), (30.5, 16.0))]
    return walls


def _street_edges(row: int, column: int, nx: int, ny: int) -> list[list[str]]:
    """Edges from a copy's crossing to the corridor below it, to the one above, and to the next crossing."""
    crossing = f"r{row}c{column}-crossing"
    edges = [[f"r{row}c{column}-lab 3 exit", crossing]]
    if row < ny - 1:
        edges.append([crossing, f"r{row + 1}c{column}-lab 1 exit"])
    if column < nx - 1:
        edges.append([crossing, f"r{row}c{column + 1}-crossing"])
    return edges


def zones_of(nx: int, ny: int) -> list[Toml]:
    """The paper's zones, with its thresholds, in every copy."""
    one = read_toml(shipped.DATA / "scenarios" / "paper.toml")["zones"]
    whole = []
    for row in range(ny):
        for column in range(nx):
            for zone in one:
                x, y = zone["center"]
                moved = {"center": [x + WIDTH * column, y + HEIGHT * row]}
                whole.append(zone | {"name": f"r{row}c{column}-{zone['name']}"} | moved)
    return whole
