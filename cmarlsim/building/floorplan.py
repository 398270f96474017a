"""Floor plans: walls, tiles and waypoints from TOML, with checked geometry."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import tomli_w
from pydantic import Field, model_validator

from cmarlsim.errors import shown
from cmarlsim.kernels.plans import find_blocking, find_uncovered, first_overlap
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.storage import shipped
from cmarlsim.validation import Entries, Name, Number, Point, Strict, check_names, parse, read_toml

SHORTEST_EDGE = 1e-6
"""Metres; shorter waypoint edges would vanish within the tolerances."""

LONGEST_WAYS = 1e5
"""Metres that all waypoint edges may have together, so that ways can be counted in ticks."""

SMALLEST, LARGEST = 0.5, 2000.0
"""Metres from one side of a plan to the other, the longer way, unless it says that its units are metres."""

FARTHEST = 1e6
"""Metres from the origin: farther off, coordinates are less exact than the tolerances."""

MOST_COMPARISONS = 10**10
"""Of tiles, walls, waypoints and edges with each other: half a minute."""

MOST_TILES = 65_535
"""Tiles are recorded in 16 bits."""


class Wall(Strict):
    """A polyline that blocks sight and motion."""

    points: Annotated[Entries[Point], Field(min_length=2)]


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

    A plan of unusual size, which may be in millimetres or pixels, is taken if it says ``units = "m"``.

    Raises
    ------
    InputError
        From `load`: a size that no building has, names doubled or unknown, tiles that overlap, waypoints or
        edges off the tiles, edges through a wall.
    """

    name: Name
    units: Literal["m"] | None = None
    walls: Entries[Wall] = ()
    tiles: Annotated[Entries[Tile], Field(min_length=1, max_length=MOST_TILES)]
    waypoints: Annotated[Entries[Waypoint], Field(min_length=1)]
    edges: Entries[tuple[str, str]] = ()

    @classmethod
    def load(cls, reference: str | Path, beside: Path | None = None) -> Self:
        """Load a floor plan by path (relative to the folder `beside`) or shipped name."""
        path = shipped.find("floorplans", reference, ".toml", beside)
        return parse(cls, read_toml(path), path)

    def to_toml(self) -> str:
        """Write the floor plan."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    def __repr__(self) -> str:
        """The floor plan in one line."""
        size = f"{len(self.tiles)} tiles, {len(self.waypoints)} waypoints, {len(self.edges)} edges"
        return f"<FloorPlan {self.name}: {size}>"

    @model_validator(mode="after")
    def _has_the_size_of_a_building(self) -> Self:
        corners = np.concatenate([self.tile_boxes(), self.wall_segments()]).reshape(-1, 2)
        if (farthest := np.abs(corners).max()) > FARTHEST:
            raise ValueError(
                f"a corner is {farthest:g} m from the origin, at most {FARTHEST:g} m is exact enough: "
                "are the units metres? If so, subtract one corner from all coordinates"
            )
        if self.units is None and not SMALLEST <= self.extent <= LARGEST:
            others = "millimetres or pixels" if self.extent > LARGEST else "kilometres"
            raise ValueError(
                f"it is {self.extent:g} m from side to side, and buildings are {SMALLEST:g} to {LARGEST:g}: "
                f'coordinates are in metres, are these {others}? If not, write units = "m" above the tables'
            )
        tiles, segments = len(self.tiles), len(self.waypoints) + len(self.edges)
        comparisons = tiles**2 + segments * (tiles + sum(len(wall.points) - 1 for wall in self.walls))
        if comparisons > MOST_COMPARISONS:
            raise ValueError(
                f"{tiles:,} tiles, {len(self.waypoints):,} waypoints, {len(self.edges):,} edges and "
                f"{len(self.walls):,} walls are too many to be compared with each other; use fewer of them"
            )
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        check_names("tiles", [tile.name for tile in self.tiles])
        check_names("waypoints", [waypoint.name for waypoint in self.waypoints])
        known = {waypoint.name for waypoint in self.waypoints}
        for i, edge in enumerate(self.edges):
            for name in edge:
                if name not in known:
                    raise ValueError(f"edges[{i}] = {shown(list(edge))}: there is no waypoint {shown(name)}")
        name_pairs = Counter(frozenset(edge) for edge in self.edges)
        for pair, times in name_pairs.items():
            if times > 1:
                raise ValueError(f"edges: {sorted(pair)} stands {times} times; once is enough")
        return self

    @model_validator(mode="after")
    def _tiles_do_not_overlap(self) -> Self:
        a, b = first_overlap(self.tile_boxes())
        if a >= 0:
            raise ValueError(
                f"tiles: '{self.tiles[a].name}' and '{self.tiles[b].name}' overlap; they may only touch"
            )
        return self

    @model_validator(mode="after")
    def _waypoints_lie_on_tiles(self) -> Self:
        uncovered = self._uncovered(np.tile(self.waypoint_positions(), 2))
        if uncovered.any():
            waypoint = self.waypoints[uncovered.argmax()]
            raise ValueError(
                f"waypoints: '{waypoint.name}' at {list(waypoint.position)} lies on no tile; "
                "every waypoint needs one"
            )
        return self

    @model_validator(mode="after")
    def _edges_are_walkable(self) -> Self:
        walls, lengths = self.wall_segments(), self.edge_lengths()
        segments = self.waypoint_positions()[self.edge_indices()].reshape(-1, 4)
        blocking, uncovered = np.zeros(len(segments), dtype=np.int64), self._uncovered(segments)
        find_blocking(walls, segments, blocking)
        for i, edge in enumerate(self.edges):
            if lengths[i] < SHORTEST_EDGE:
                raise ValueError(f"edges[{i}] = {list(edge)}: its ends are less than {SHORTEST_EDGE} m apart")
            if blocking[i] >= 0:
                wall = walls[blocking[i]].tolist()
                raise ValueError(f"edges[{i}] = {list(edge)}: passes through or touches the wall {wall}")
            if uncovered[i]:
                raise ValueError(
                    f"edges[{i}] = {list(edge)}: part of it lies on no tile; tiles must cover every edge"
                )
        if sum(lengths) > LONGEST_WAYS:
            raise ValueError(
                f"edges: {sum(lengths):g} m long together; at most {LONGEST_WAYS:g} m, are the units metres?"
            )
        return self

    def _uncovered(self, segments: Floats) -> Bools:
        """For each segment (S, 4), whether part of it lies on no tile."""
        uncovered = np.zeros(len(segments), dtype=np.bool_)
        find_uncovered(self.tile_boxes(), segments, uncovered)
        return uncovered

    @property
    def extent(self) -> float:
        """Metres from one side of the tiles to the other, the longer way."""
        boxes = self.tile_boxes()
        return float((boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).max())

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

    def edge_lengths(self) -> list[float]:
        """Lengths of the edges in metres."""
        ends = self.waypoint_positions()[self.edge_indices()].tolist()
        return [math.dist(a, b) for a, b in ends]
