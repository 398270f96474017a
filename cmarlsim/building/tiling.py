"""Large regular buildings as TOML data: copies of the shipped plan `pittsburgh`, joined by streets.

Every copy has the paper's six rooms and L-shaped corridor. Above each row of copies runs a street, 2 m wide,
into which the vertical corridors of that row lead, and those of the row above. Copies stand 28 m and 14 m
apart, whole metres, so that agents come to the same places in each of them.
"""

from __future__ import annotations

import operator
from typing import Any

from cmarlsim.errors import InputError
from cmarlsim.storage import shipped
from cmarlsim.validation import read_toml

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


def shape(nx: object, ny: object) -> tuple[int, int]:
    """Columns and rows of copies, checked.

    Raises
    ------
    InputError
        If they are not whole numbers of at least 1, or more than `MOST_COPIES` together.
    """
    call, counts = f"tiled({nx!r}, {ny!r})", []
    for key, value in (("nx", nx), ("ny", ny)):
        try:
            count = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            count = 0
        if count < 1 or isinstance(value, bool):
            raise InputError(f"{call}: {key} = {value!r}: must be a whole number of at least 1")
        counts.append(count)
    if counts[0] * counts[1] > MOST_COPIES:
        raise InputError(
            f"{call}: {counts[0] * counts[1]} copies are too many for the tables of the ways between them: "
            f"lower nx or ny, so that nx * ny is at most {MOST_COPIES}"
        )
    return counts[0], counts[1]


def floorplan(nx: int, ny: int) -> Toml:
    """Floor plan of nx times ny copies; names begin with the copy, such as ``r0c1-office 1``."""
    one = read_toml(shipped.DATA / "floorplans" / "pittsburgh.toml")
    whole: Toml = {"name": f"tiled-{nx}x{ny}", "edges": [], "walls": [], "tiles": [], "waypoints": []}
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


def zones(nx: int, ny: int) -> list[Toml]:
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
