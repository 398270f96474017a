"""Floor plans: walls, tiles and waypoints from TOML, with checked geometry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import tomli_w
from pydantic import BaseModel, Field, model_validator

from cmarlsim.building.plan_problems import plan_problems
from cmarlsim.building.tables import (
    MOST_TILES,
    Door,
    Edge,
    Level,
    Room,
    Tile,
    Tiles,
    Wall,
    Waypoint,
    corners_of,
)
from cmarlsim.errors import Finding
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, Ints
from cmarlsim.storage import shipped
from cmarlsim.validation import Entries, Name, ProblemsError, Strict, parse, read_toml


class FloorPlan(Strict):
    """Walls, tiles and the waypoint graph of a building, in metres.

    A plan of unusual size, which may be in millimetres or pixels, is taken if it says ``units = "m"``.

    Raises
    ------
    InputError
        From `load`: a size that no building has, names doubled or unknown, tiles that overlap, waypoints or
        edges off the tiles, edges through a wall; all of them together.
    """

    name: Name
    units: Literal["m"] | None = None
    source: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    walls: Entries[Wall] = ()
    tiles: Tiles
    waypoints: Annotated[Entries[Waypoint], Field(min_length=1)]
    edges: Entries[Edge] = ()
    rooms: Annotated[Entries[Room], Field(max_length=MOST_TILES)] = ()
    doors: Entries[Door] = ()
    levels: Entries[Level] = ()

    @classmethod
    def load(cls, reference: str | Path, beside: Path | None = None) -> Self:
        """Load a floor plan by path (relative to the folder `beside`) or shipped name."""
        path = shipped.find("floorplans", reference, ".toml", beside)
        return parse(cls, read_toml(path), path)

    def to_toml(self) -> str:
        """Write the floor plan."""
        data = self.model_dump(mode="json", exclude_none=True)
        for key in ("rooms", "doors", "levels"):
            if not data[key]:
                del data[key]
        return tomli_w.dumps(data)

    def __repr__(self) -> str:
        """The floor plan in one line."""
        size = f"{len(self.tile_names())} tiles, {len(self.waypoints)} waypoints, {len(self.edges)} edges"
        return f"<FloorPlan {self.name}: {size}>"

    __str__ = __repr__

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.problems:
            raise ProblemsError(self.problems)
        return self

    @cached_property
    def problems(self) -> list[Finding]:
        """What is wrong with it: nothing, in a plan that was loaded."""
        return plan_problems(self)

    @property
    def extent(self) -> float:
        """Metres from one side to the other, the longer way: of the plan, or of its largest level."""
        boxes = np.array([level.rectangle for level in self.levels] or self.bounds()[None])
        return float((boxes[:, 2:] - boxes[:, :2]).max())

    def bounds(self) -> Floats:
        """x_min, y_min, x_max, y_max of the tiles; with ``tiles = "waypoints"``, of waypoints and walls."""
        outlines = self.tile_outlines()
        if self.tiles == "waypoints":
            outlines.append(self.wall_segments().reshape(-1, 2))
        points = np.concatenate(outlines)
        low, high = points.min(axis=0), points.max(axis=0)
        flat = np.where(high > low, 0.0, 0.5)
        return np.concatenate([low - flat, high + flat])

    def on_levels(self, points: Floats) -> Bools:
        """Whether points (n, 2) lie in levels, (n, number of levels); a plan without levels is one."""
        if not self.levels:
            return np.ones((len(points), 1), dtype=np.bool_)
        boxes = np.array([level.rectangle for level in self.levels])
        low, high = boxes[:, :2] - TOLERANCE, boxes[:, 2:] + TOLERANCE
        return np.all((points[:, None] >= low) & (points[:, None] <= high), axis=2)

    def level_of(self, points: Floats) -> Ints:
        """The first level that holds each of the points (n, 2); -1 if none does."""
        inside = self.on_levels(points)
        return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)

    def waypoint_levels(self) -> Ints:
        """The level of each waypoint, (P,)."""
        return self.level_of(self.waypoint_positions())

    def tile_names(self) -> list[str]:
        """Names of the L tiles: of tables, rooms or waypoints."""
        return [table.name for table in self._tiled()]

    def tile_outlines(self) -> list[Floats]:
        """Corners of the L tiles, (n, 2) each, for pictures; where waypoints are tiles, their positions."""
        if isinstance(self.tiles, tuple):
            return [tile.outline for tile in self.tiles]
        if self.tiles == "rooms":
            return [np.array(room.polygon) for room in self.rooms]
        return [np.array([waypoint.position]) for waypoint in self.waypoints]

    def tile_boxes(self) -> Floats:
        """The rectangles [x_min, y_min, x_max, y_max] around the L tiles, (L, 4)."""
        return np.array([(*each.min(axis=0), *each.max(axis=0)) for each in self.tile_outlines()])

    def tile_centers(self) -> Floats:
        """Where the L tiles are, (L, 2): the middle of a rectangle, the centroid of a polygon, a waypoint."""
        return np.array([_center(outline) for outline in self.tile_outlines()])

    def _tiled(self) -> Sequence[Tile | Room | Waypoint]:
        if isinstance(self.tiles, tuple):
            return self.tiles
        return self.rooms if self.tiles == "rooms" else self.waypoints

    def wall_segments(self) -> Floats:
        """Walls as an (W, 4) array of x, y of both ends."""
        pairs = [(*a, *b) for wall in self.walls for a, b in zip(wall.points, wall.points[1:], strict=False)]
        return np.array(pairs, dtype=np.float64).reshape(-1, 4)

    def waypoint_positions(self) -> Floats:
        """Waypoints as a (P, 2) array."""
        return np.array([waypoint.position for waypoint in self.waypoints])

    def edge_indices(self) -> Ints:
        """Edges as an (E, 2) array of waypoint indices."""
        index = {waypoint.name: i for i, waypoint in enumerate(self.waypoints)}
        pairs = [(index[u], index[v]) for u, v in (edge.ends for edge in self.edges)]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def with_lengths(self, lengths: Sequence[float]) -> Self:
        """The same plan with edges of these lengths, (E,) in metres, which are not checked."""
        edges = [
            BaseModel.model_copy(edge, update={"length": length})
            for edge, length in zip(self.edges, lengths, strict=True)
        ]
        return BaseModel.model_copy(self, update={"edges": tuple(edges)})

    def edge_lengths(self) -> list[float]:
        """Lengths of the edges in metres: their own, or the distance of their ends."""
        ends = self.waypoint_positions()[self.edge_indices()].tolist()
        return [
            math.dist(a, b) if edge.length is None else edge.length
            for edge, (a, b) in zip(self.edges, ends, strict=True)
        ]


def _center(outline: Floats) -> Floats:
    """The middle of a rectangle's corners, the centroid of another polygon, the point that is alone."""
    if len(outline) <= 4:
        low, high = outline.min(axis=0), outline.max(axis=0)
        if len(outline) == 1 or np.array_equal(outline, corners_of((*low, *high))):
            return (low + high) / 2
    import shapely

    return shapely.get_coordinates(shapely.Polygon(outline).centroid)[0]
