"""Random buildings with levels, lifts, polygons and one-way edges, valid by construction."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from random import Random

import hypothesis.strategies as st
import naive
import numpy as np
import worlds
from cases import Case, network
from naive import Point, Toml

SPEEDS = ((1.0, None), (0.73, None), (0.5, 0.25), (1.0, 0.1), (0.9, 0.3), (2.0, 2.0))
"""Speeds, and what lengths are rounded to."""


MARGIN = 0.3
"""Metres from the tiles to the border of their level; the next one may begin there."""


def random_buildings(*models: str) -> st.SearchStrategy[Case]:
    """Cases with one of these link models."""
    return st.builds(random_building, worlds.seeds, st.sampled_from(models or worlds.MODELS))


def random_building(seed: int, model: str) -> Case:
    r = Random(seed)
    N, M, plan = r.randint(1, 4), r.randint(1, 4), floorplan(r)
    speed, snap = r.choice(SPEEDS)
    scenario = {
        "name": "building",
        "floorplan": "building",
        "agents": {"N": N, "speed": speed} | ({} if snap is None else {"snap": snap}),
        "dual": {"alpha": r.choice([0.0, 0.05]), "eta": r.choice([0.5, 2.0]), "T0": r.randint(2, 12)},
        "links": worlds.links(r, N, model),
        "zones": [zone(r, m, plan) for m in range(M)],
    }
    encoding = {"low": [-1.0, -1.0], "high": [50.0, 9.0], "scale_lam": r.random() < 0.5, "lam_roots": 1}
    policy = "rank" if r.random() < 0.2 else network(np.random.default_rng(seed), N, M, 4) | encoding
    return Case(scenario, plan, policy)


def floorplan(r: Random) -> Toml:
    """One to three levels side by side; the tiles are tables, rooms or waypoints."""
    count = r.choice([1, 1, 2, 3])
    plan: Toml = {"name": "building", "units": "m", "walls": [], "waypoints": [], "edges": [], "rooms": []}
    levels, cells, ends = [], [], []
    for _ in range(count):
        here = level_cells(r, levels[-1][2] + r.choice([MARGIN, 8.0]) if levels else 0.0)
        corners = np.concatenate([np.array(cell) for cell in here])
        levels.append([*(corners.min(axis=0) - MARGIN), *(corners.max(axis=0) + MARGIN)])
        cells += here
        plan["rooms"] += rooms(r, here, len(plan["rooms"]))
        ends.append(add_graph(r, plan, here))
    for (low, high), number in zip(pairwise(ends), range(count), strict=False):
        plan["edges"] += lifts(r, r.choice(low), r.choice(high), number)
    kind = r.choice(["tables", "rooms", "waypoints"])
    plan["walls"] = [wall for wall in plan["walls"] if any(holds(box, wall) for box in levels)]
    tables = [{"name": f"t{i}"} | tile_of(r, cell) for i, cell in enumerate(r.sample(cells, len(cells)))]
    plan["tiles"] = tables if kind == "tables" else kind
    if count > 1 or r.random() < 0.5:
        plan["levels"] = [{"name": f"L{i}", "rectangle": box} for i, box in enumerate(levels)]
    return plan


def holds(box: list[float], wall: Toml) -> bool:
    return all(box[0] <= x <= box[2] and box[1] <= y <= box[3] for x, y in wall["points"])


def level_cells(r: Random, left: float) -> list[list[list[float]]]:
    """Quadrilaterals that cover a rectangle without a gap."""
    x, y = (
        list(accumulate([r.uniform(0.8, 3.0) for _ in range(r.randint(1, 3))], initial=start))
        for start in (left, r.choice([0.0, 0.5]))
    )
    bend = r.choice([0.0, 0.15, 0.3])
    corner = {
        (i, j): [
            x[i] + (r.uniform(-bend, bend) if 0 < i < len(x) - 1 and 0 < j < len(y) - 1 else 0.0),
            y[j] + (r.uniform(-bend, bend) if 0 < i < len(x) - 1 and 0 < j < len(y) - 1 else 0.0),
        ]
        for i in range(len(x))
        for j in range(len(y))
    }
    return [
        [corner[i, j], corner[i + 1, j], corner[i + 1, j + 1], corner[i, j + 1]]
        for i in range(len(x) - 1)
        for j in range(len(y) - 1)
    ]


def tile_of(r: Random, cell: list[list[float]]) -> Toml:
    low, high = cell[0], cell[2]
    if cell == [low, [high[0], low[1]], high, [low[0], high[1]]] and r.random() < 0.5:
        return {"rectangle": [*low, *high]}
    turned = cell[r.randint(0, 3) :] + cell
    return {"polygon": turned[:4] if r.random() < 0.5 else turned[3::-1]}


def rooms(r: Random, cells: Sequence[list[list[float]]], number: int) -> list[Toml]:
    """Some of the cells, drawn in."""
    made = []
    for cell in r.sample(list(cells), max(1, round(len(cells) * r.uniform(0.5, 1.0)))):
        middle, share = np.mean(cell, axis=0), r.choice([1.0, 0.9, 0.7])
        polygon = (middle + share * (np.array(cell) - middle)).tolist()
        made.append({"name": f"room {number + len(made)}", "polygon": polygon})
    return made


def add_graph(r: Random, plan: Toml, cells: Sequence[list[list[float]]]) -> list[str]:
    """Add waypoints and strongly connected edges on one level to the plan; the waypoints' names."""
    points: list[list[float]] = []
    for _ in range(r.randint(2, 6)):
        share = np.array([r.random() for _ in range(4)])
        point = (share / share.sum() @ np.array(r.choice(list(cells)))).tolist()
        if all(math.dist(point, other) > 0.1 for other in points):
            points.append(point)
    first = len(plan["waypoints"])
    names = [f"w{first + p}" for p in range(len(points))]
    plan["waypoints"] += [{"name": n, "position": at} for n, at in zip(names, points, strict=True)]
    joined = worlds.tree(r, [list(range(p)) for p in range(len(points))], extra=0)
    others = [(u, v) for u in range(len(points)) for v in range(u) if not {(u, v), (v, u)} & set(joined)]
    tables: list[Toml] = []
    for u, v in joined:
        if r.random() < 0.3:
            tables += [{"ends": [names[a], names[b]], "one_way": True} for a, b in ((u, v), (v, u))]
        else:
            tables.append({"ends": [names[u], names[v]]})
    for u, v in r.sample(others, min(2, len(others))):
        tables.append({"ends": [names[u], names[v]], "one_way": r.random() < 0.6})
    for table in tables:
        u, v = (points[names.index(end)] for end in table["ends"])
        if r.random() < 0.4:
            table["length"] = math.dist(u, v) * r.uniform(0.4, 4.2)
    r.shuffle(tables)
    plan["edges"] += [table["ends"] if len(table) == 1 and r.random() < 0.7 else table for table in tables]
    paths = [tuple(points[names.index(end)] for end in table["ends"]) for table in tables]
    plan["walls"] += [{"points": wall} for wall in worlds.walls(r, points, paths, lattice=False)]
    return names


def lifts(r: Random, low: str, high: str, number: int) -> list[Toml]:
    lift: Toml = {"ends": [low, high], "lift": f"lift {number}", "length": r.uniform(1.0, 6.0)}
    if r.random() < 0.7:
        return [lift]
    down = lift | {"ends": [high, low], "length": r.uniform(1.0, 6.0), "one_way": True}
    return [lift | {"one_way": True}, down]


def zone(r: Random, m: int, plan: Toml) -> Toml:
    """A zone around a waypoint, or a room with one in it."""
    made: Toml = {"name": f"z{m}", "through_walls": True, "c": r.randint(0, 9) / 10}
    points: list[Point] = [waypoint["position"] for waypoint in plan["waypoints"]]
    x, y = r.choice(points)
    usable = [
        room["name"]
        for room in plan["rooms"]
        if any(naive.distance_to_polygon(room["polygon"], point) < 1e-12 for point in points)
    ]
    kind = r.choice(["disc", "polygon", "room"])
    if kind == "room" and usable:
        return made | {"room": r.choice(usable)}
    if kind == "polygon":
        count, turn, regular = r.randint(3, 6), r.uniform(0.0, 2 * math.pi), r.random() < 0.5
        size = r.uniform(0.3, 2.0)
        away = [size * (1.0 if regular else r.uniform(0.3, 1.0)) for _ in range(count)]
        angle = [turn + 2 * math.pi * i / count for i in range(count)]
        corners = [[x + a * math.cos(t), y + a * math.sin(t)] for a, t in zip(away, angle, strict=True)]
        return made | {"polygon": corners} | ({} if regular else {"center": [x, y]})
    return made | {"center": [x, y], "radius": r.choice([0.25, 0.5, 1.3, 3.0])}
