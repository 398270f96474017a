"""Buildings on cells, whose walls are the outlines of occupied cells, side by side: very many short ones."""

import math
from random import Random

import numpy as np
from cases import Case

from cmarlsim.kernels.world import Bools, Floats

CELL = 0.25
ROOM, DOOR = 12, 3  # cells


def cells_of(r: Random, columns: int, rows: int) -> Bools:
    """Occupied cells of rooms in a grid, (H, W): walls two cells thick, most with a door, and furniture."""
    pitch = ROOM + 2
    occupied = np.zeros((rows * pitch + 2, columns * pitch + 2), dtype=bool)
    for row in range(rows + 1):
        occupied[row * pitch : row * pitch + 2] = True
    for column in range(columns + 1):
        occupied[:, column * pitch : column * pitch + 2] = True
    for row in range(rows):
        for column in range(columns):
            y, x = row * pitch + 2, column * pitch + 2
            middle = (ROOM - DOOR) // 2
            if column + 1 < columns:
                occupied[y + middle : y + middle + DOOR, x + ROOM : x + pitch] = False
            if row + 1 < rows and r.random() < 0.7:
                occupied[y + ROOM : y + pitch, x + middle : x + middle + DOOR] = False
            for _ in range(r.randint(0, 4)):  # in the corners, off the ways
                a, b = y + r.choice([1, 2, 9, 10]), x + r.choice([1, 2, 9, 10])
                occupied[a, b] = occupied[a, b - 1] = True
    return occupied


def outlines_of(occupied: Bools, size: float) -> Floats:
    """The sides of occupied cells next to others, (W, 4); cell (0, 0) has its corner at the origin."""
    padded = np.pad(occupied, 1)
    y, x = np.nonzero(padded[1:-1, :-1] != padded[1:-1, 1:])
    upright = np.stack([x, y, x, y + 1], axis=1)
    y, x = np.nonzero(padded[:-1, 1:-1] != padded[1:, 1:-1])
    level = np.stack([x, y, x + 1, y], axis=1)
    return np.concatenate([upright, level]) * size


def building(seed: int, columns: int, rows: int, d: float, turn: float = 0.0) -> tuple[Case, Bools]:
    """A case with a waypoint in the middle of every room, and its cells; turned by an angle in radians."""
    occupied, pitch = cells_of(Random(seed), columns, rows), ROOM + 2
    axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    walls = (outlines_of(occupied, CELL).reshape(-1, 2) @ axes).reshape(-1, 4).tolist()
    spots = [(x, y) for y in range(rows) for x in range(columns)]
    centre = {
        spot: (np.array([(pitch * index + 2 + ROOM / 2) * CELL for index in spot]) @ axes).tolist()
        for spot in spots
    }
    pairs = [((x, y), (x + 1, y)) for x, y in spots if x + 1 < columns]
    pairs += [
        ((x, y), (x, y + 1))
        for x, y in spots
        if y + 1 < rows and not occupied[(y + 1) * pitch, x * pitch + 2 + ROOM // 2]
    ]
    reach = sum(occupied.shape) * CELL
    floorplan = {
        "name": "short walls",
        "walls": [{"points": [wall[:2], wall[2:]]} for wall in walls],
        "tiles": [{"name": "all", "rectangle": [-reach, -reach, reach, reach]}],
        "waypoints": [{"name": f"w{x}-{y}", "position": centre[x, y]} for x, y in spots],
        "edges": [[f"w{x}-{y}", f"w{u}-{v}"] for (x, y), (u, v) in pairs],
    }
    zones = [
        {"name": f"z{m}", "center": centre[spot], "radius": 1.0, "c": 0.2, "through_walls": True}
        for m, spot in enumerate((spots[0], spots[-1]))
    ]
    scenario = {
        "name": "short walls",
        "floorplan": "short walls",
        "agents": {"N": 2, "speed": 0.5},
        "dual": {"alpha": 0.05, "eta": 0.8, "T0": 6},
        "links": {"model": "sight-or-disc", "d": d},
        "zones": zones,
    }
    return Case(scenario, floorplan, "rank"), occupied
