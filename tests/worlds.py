"""Random small worlds, valid by construction; every world is made from one seed."""

import math
from collections.abc import Sequence
from itertools import accumulate, combinations, pairwise
from random import Random
from typing import Any

import hypothesis.strategies as st
import naive
import numpy as np
from cases import Case, network
from naive import Point, Toml

MODELS = ("sight-or-disc", "bernoulli", "always", "never")
seeds = st.integers(0, 2**32 - 1)


def random_cases(*models: str) -> st.SearchStrategy[Case]:
    """Cases with one of these link models, or of any."""
    return st.builds(random_case, seeds, st.sampled_from(models or MODELS))


def random_case(seed: int, model: str) -> Case:
    """In half of the cases all coordinates are multiples of a half: there are ties and shared corners."""
    r = Random(seed)
    N, M, lattice = r.randint(1, 5), r.randint(1, 5), r.random() < 0.5
    plan = floorplan(r, lattice)
    scenario = {
        "name": "random",
        "floorplan": "random",
        "agents": {"N": N, "speed": r.choice([0.5, 0.73, 1.0, 2.5])},
        "dual": {
            "alpha": r.choice([0.0, 0.05, 0.3]),
            "eta": r.choice([0.5, 0.8, 2.0]),
            "T0": r.randint(2, 12),
        },
        "links": links(r, N, model),
        "zones": zones(r, M, plan, lattice),
    }
    return Case(scenario, plan, policy(r, N, M, plan))


def between(r: Random, low: float, high: float, lattice: bool) -> float:
    if lattice:
        return r.randint(math.ceil(2 * low), math.floor(2 * high)) / 2
    return r.uniform(low, high)


def tree(r: Random, near: Sequence[Sequence[int]], extra: int) -> list[tuple[int, int]]:
    """Edges that connect nodes, in any order and direction, and up to `extra` more that close cycles.

    Node p is connected to the first of near[p], the nodes before it, or to another of them.
    """
    edges = {(near[p][0] if r.random() < 0.7 else r.choice(near[p]), p) for p in range(1, len(near))}
    others = [pair for pair in combinations(range(len(near)), 2) if pair not in edges]
    edges |= set(r.sample(others, min(extra, len(others))))
    return r.sample([pair if r.random() < 0.5 else pair[::-1] for pair in sorted(edges)], len(edges))


def floorplan(r: Random, lattice: bool) -> Toml:
    """Tiles are the cells of an irregular grid; walls touch no edge."""
    x, y = (
        list(accumulate([between(r, 0.5, 3.0, lattice) for _ in range(r.randint(1, 3))], initial=start))
        for start in (-1.0, 0.5)
    )
    boxes = [[x0, y0, x1, y1] for x0, x1 in pairwise(x) for y0, y1 in pairwise(y)]
    points: list[list[float]] = []
    for _ in range(r.randint(1, 9)):
        x0, y0, x1, y1 = r.choice(boxes)
        point = [between(r, x0, x1, lattice), between(r, y0, y1, lattice)]
        if all(math.dist(point, other) > 0.1 for other in points):
            points.append(point)
    near = [sorted(range(p), key=lambda q: math.dist(points[p], points[q])) for p in range(len(points))]
    edges = tree(r, near, extra=r.choice([0, 1, 2]))
    paths = [(points[u], points[v]) for u, v in edges] or [(points[0], points[0])]
    return {
        "name": "random",
        "walls": [{"points": wall} for wall in walls(r, points, paths, lattice)],
        "tiles": [{"name": f"t{i}", "rectangle": box} for i, box in enumerate(r.sample(boxes, len(boxes)))],
        "waypoints": [{"name": f"w{p}", "position": point} for p, point in enumerate(points)],
        "edges": [[f"w{u}", f"w{v}"] for u, v in edges],
    }


def walls(
    r: Random, points: Sequence[Point], paths: Sequence[naive.Segment], lattice: bool
) -> list[list[list[float]]]:
    """Polylines of one or two pieces that begin on the line between two waypoints, so that some graze it."""
    kept = []
    for _ in range(r.choice([0, 15, 30])):
        a, b = r.choice(points), r.choice(points)
        wall = [[(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]]
        for _ in range(r.randint(1, 2)):
            wall.append([entry + between(r, -1.0, 1.0, lattice) for entry in wall[-1]])
        if all(naive.segment_distance(*piece, *path) > 1e-6 for piece in pairwise(wall) for path in paths):
            kept.append(wall)
    return kept


def zones(r: Random, M: int, plan: Toml, lattice: bool) -> list[Toml]:
    """Zones at or near waypoints; some have their waypoint exactly on the border."""
    points = [waypoint["position"] for waypoint in plan["waypoints"]]
    low, high = bounds(plan)
    made = []
    for m in range(M):
        shift = [r.choice([0.0, between(r, -0.5, 0.5, lattice)]) for _ in range(2)]
        center = np.clip(np.add(r.choice(points), shift), low, high).tolist()
        away = min(math.dist(center, point) for point in points)
        radius = max(away, r.choice([0.25, 0.5, 1.0, 1.3]))
        zone = {"name": f"z{m}", "center": center, "radius": radius, "c": r.randint(0, 9) / 10}
        made.append(zone | {"through_walls": True})
    return made


def links(r: Random, N: int, model: str) -> Toml:
    if model == "sight-or-disc":
        return {"model": model, "d": r.choice([0.0, 0.5, 1.0, math.sqrt(2)])}
    if model == "bernoulli":
        pairs = [list(pair) for pair in tree(r, [range(n) for n in range(N)], extra=2)]
        footprint: Any = r.choice(["complete", "path", "star", "cycle", pairs, pairs])
        return {"model": model, "p": r.choice([0.2, 0.5, 0.9, 1.0]), "footprint": footprint}
    return {"model": model}


def policy(r: Random, N: int, M: int, plan: Toml) -> naive.Policy:
    """The ideal assignment, or a network with random weights."""
    generator, H = np.random.default_rng(r.getrandbits(32)), r.randint(1, 6)
    low, high = bounds(plan)
    if r.random() < 0.3:
        return "rank"
    encoding = {"low": low, "high": high, "scale_lam": r.random() < 0.5, "lam_roots": r.choice([0, 1, 2, 3])}
    return network(generator, N, M, H) | encoding


def bounds(plan: Toml) -> tuple[np.ndarray, np.ndarray]:
    """Lower left and upper right corner of the tiles."""
    boxes = np.array([tile["rectangle"] for tile in plan["tiles"]])
    return boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
