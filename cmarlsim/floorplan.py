"""Floor plans: walls, tiles and waypoints from TOML, checked geometry, and the arrays kernels work on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

import networkx as nx
import numpy as np
import tomli_w
from pydantic import Field, model_validator

from cmarlsim import shipped
from cmarlsim.kernels.links import blocks
from cmarlsim.kernels.world import TICKS_PER_METRE, TIE, TOLERANCE, Floats, Ints, World
from cmarlsim.validation import Name, Number, Point, Strict, parse, read_toml

SHORTEST_EDGE = 1e-6
"""Metres; shorter waypoint edges would vanish within the tolerances."""

LONGEST_WAYS = 1e5
"""Metres that all waypoint edges may have together, so that ways can be counted in ticks."""

MOST_TILES = 65_535
"""Tiles are recorded in 16 bits."""


class Wall(Strict):
    """A polyline that blocks sight and motion."""

    points: Annotated[tuple[Point, ...], Field(min_length=2)]


class Tile(Strict):
    """An axis-parallel rectangle [x_min, y_min, x_max, y_max]: what a policy sees of a position."""

    name: Name
    rectangle: tuple[Number, Number, Number, Number]

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        x_min, y_min, x_max, y_max = self.rectangle
        if x_min >= x_max or y_min >= y_max:
            raise ValueError(
                f"rectangle = {list(self.rectangle)} of '{self.name}': must be [x_min, y_min, x_max, y_max]"
            )
        return self


class Waypoint(Strict):
    """A point that agents move between, along edges."""

    name: Name
    position: Point


class FloorPlan(Strict):
    """Walls, tiles and the waypoint graph of a building, in metres.

    Raises
    ------
    InputError
        From `load`: names doubled or unknown, tiles that overlap, waypoints or edges off the tiles, edges
        through a wall.
    """

    name: Name
    walls: tuple[Wall, ...] = ()
    tiles: Annotated[tuple[Tile, ...], Field(min_length=1, max_length=MOST_TILES)]
    waypoints: Annotated[tuple[Waypoint, ...], Field(min_length=1)]
    edges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def load(cls, reference: str | Path, beside: Path | None = None) -> Self:
        """Load a floor plan by path (relative to the folder `beside`) or shipped name."""
        path = shipped.find("floorplans", reference, ".toml", beside)
        return parse(cls, read_toml(path), path)

    def to_toml(self) -> str:
        """Write the floor plan."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for kind, things in (("tiles", self.tiles), ("waypoints", self.waypoints)):
            name, times = Counter(thing.name for thing in things).most_common(1)[0]
            if times > 1:
                raise ValueError(f"{kind}: the name '{name}' stands {times} times; names must differ")
        known = {waypoint.name for waypoint in self.waypoints}
        for i, edge in enumerate(self.edges):
            for name in edge:
                if name not in known:
                    raise ValueError(f"edges[{i}] = {list(edge)}: there is no waypoint '{name}'")
        name_pairs = Counter(frozenset(edge) for edge in self.edges)
        for pair, times in name_pairs.items():
            if times > 1:
                raise ValueError(f"edges: {sorted(pair)} stands {times} times; once is enough")
        return self

    @model_validator(mode="after")
    def _tiles_do_not_overlap(self) -> Self:
        for i, a in enumerate(self.tiles):
            for b in self.tiles[:i]:
                (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.rectangle, b.rectangle
                if min(ax1, bx1) - max(ax0, bx0) > TOLERANCE and min(ay1, by1) - max(ay0, by0) > TOLERANCE:
                    raise ValueError(f"tiles: '{b.name}' and '{a.name}' overlap; they may only touch")
        return self

    @model_validator(mode="after")
    def _edges_are_walkable(self) -> Self:
        boxes, walls, total = self.tile_boxes(), self.wall_segments(), 0.0
        for waypoint in self.waypoints:
            if not _covered(boxes, waypoint.position, waypoint.position):
                raise ValueError(
                    f"waypoints: '{waypoint.name}' at {list(waypoint.position)} lies on no tile; "
                    "every waypoint needs one"
                )
        for i, (u, v) in enumerate(self.edge_indices()):
            a, b = self.waypoints[u].position, self.waypoints[v].position
            key = f"edges[{i}] = {list(self.edges[i])}"
            if math.dist(a, b) < SHORTEST_EDGE:
                raise ValueError(f"{key}: its ends are less than {SHORTEST_EDGE} m apart")
            for wall in walls:
                if blocks(wall, *a, *b):
                    raise ValueError(f"{key}: passes through or touches the wall {wall.tolist()}")
            if not _covered(boxes, a, b):
                raise ValueError(f"{key}: part of it lies on no tile; tiles must cover every edge")
            total += math.dist(a, b)
        if total > LONGEST_WAYS:
            raise ValueError(
                f"edges: {total:g} m long together; at most {LONGEST_WAYS:g} m, are the units metres?"
            )
        return self

    def wall_segments(self) -> Floats:
        """Walls as an (W, 4) array of x, y of both ends."""
        pairs = [(*a, *b) for wall in self.walls for a, b in zip(wall.points, wall.points[1:], strict=False)]
        return np.array(pairs, dtype=np.float64).reshape(-1, 4)

    def tile_boxes(self) -> Floats:
        """Tiles as an (L, 4) array of x_min, y_min, x_max, y_max."""
        return np.array([tile.rectangle for tile in self.tiles])

    def waypoint_positions(self) -> Floats:
        """Waypoints as a (P, 2) array."""
        return np.array([waypoint.position for waypoint in self.waypoints])

    def edge_indices(self) -> Ints:
        """Edges as an (E, 2) array of waypoint indices."""
        index = {waypoint.name: i for i, waypoint in enumerate(self.waypoints)}
        pairs = [(index[u], index[v]) for u, v in self.edges]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def graph(self) -> nx.Graph:
        """Waypoint graph; edges carry `ticks`, their length in ticks."""
        graph = nx.Graph()
        graph.add_nodes_from(range(len(self.waypoints)))
        for u, v in self.edge_indices().tolist():
            length = math.dist(self.waypoints[u].position, self.waypoints[v].position)
            graph.add_edge(u, v, ticks=round(length * TICKS_PER_METRE))
        return graph


def _covered(boxes: Floats, a: Point, b: Point) -> bool:
    """Whether the segment a-b lies on the tiles, borders included."""
    reached = 0.0
    for low, high in sorted(_shares_inside(boxes, a, b)):
        if low > reached + TOLERANCE:
            return False
        reached = max(reached, high)
    return reached >= 1.0 - TOLERANCE


def _shares_inside(boxes: Floats, a: Point, b: Point) -> Iterator[tuple[float, float]]:
    """For each box that meets the segment a-b, the part of it inside, as shares of its length."""
    for box in boxes:
        low, high = 0.0, 1.0
        for axis in range(2):
            start, step = a[axis], b[axis] - a[axis]
            bounds = (box[axis] - TOLERANCE - start, box[axis + 2] + TOLERANCE - start)
            if step == 0.0:
                if bounds[0] > 0.0 or bounds[1] < 0.0:
                    high = -1.0
            else:
                low = max(low, min(bound / step for bound in bounds))
                high = min(high, max(bound / step for bound in bounds))
        if low <= high:
            yield low, high


def goal_of(plan: FloorPlan, center: Point) -> int:
    """Waypoint nearest to a zone's centre: where agents that choose the zone go. Ties: the first."""
    distances = [math.dist(waypoint.position, center) for waypoint in plan.waypoints]
    nearest = min(distances)
    return next(i for i, distance in enumerate(distances) if distance <= nearest + TOLERANCE)


@lru_cache(maxsize=16)
def build_world(plan: FloorPlan, zones: tuple[tuple[Point, float], ...]) -> World:
    """Arrays of a floor plan with zones.

    Parameters
    ----------
    plan
        Its waypoint graph must be connected.
    zones
        Centre and radius of the M zones, in metres.
    """
    graph, edges = plan.graph(), plan.edge_indices()
    edge_ticks = np.array([graph.edges[u, v]["ticks"] for u, v in edges.tolist()], dtype=np.int64)
    to_go = np.zeros((len(plan.waypoints), len(zones)), dtype=np.int64)
    next_edge = np.full_like(to_go, -1)
    for m, (center, _) in enumerate(zones):
        goal = goal_of(plan, center)
        ticks = nx.single_source_dijkstra_path_length(graph, goal, weight="ticks")
        to_go[:, m] = [ticks[p] for p in range(len(to_go))]
        for p in range(len(to_go)):
            if p != goal:
                next_edge[p, m] = _first_edge(p, edges, edge_ticks, to_go[:, m])
    return World(
        wall=plan.wall_segments(),
        tile_box=plan.tile_boxes(),
        zone_center=np.array([center for center, _ in zones], dtype=np.float64),
        zone_radius=np.array([radius for _, radius in zones], dtype=np.float64),
        waypoint=plan.waypoint_positions(),
        edge=edges,
        edge_ticks=edge_ticks,
        to_go=to_go,
        next_edge=next_edge,
    )


def _first_edge(p: int, edges: Ints, edge_ticks: Ints, to_go: Ints) -> int:
    """Edge at waypoint `p` that begins a shortest path; of those within `TIE` ticks, the lowest index."""
    at = np.flatnonzero((edges == p).any(axis=1))
    other = edges[at].sum(axis=1) - p
    through = edge_ticks[at] + to_go[other]
    return int(at[through <= through.min() + TIE][0])
