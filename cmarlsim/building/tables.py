"""The tables of a floor plan's TOML: what a wall, a tile, a room, a door, an edge and a level are."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_serializer, model_validator
from pydantic.functional_serializers import SerializerFunctionWrapHandler

from cmarlsim.errors import shown
from cmarlsim.kernels.world import TOLERANCE, Floats
from cmarlsim.validation import Entries, Name, Number, Point, Strict

SHORTEST_EDGE = 1e-6
"""Metres; shorter waypoint edges would vanish within the tolerances."""

LONGEST_WAYS = 1e5
"""Metres that all waypoint edges may have together, so that ways can be counted in ticks."""

MOST_TILES = 65_535
"""Tiles are recorded in 16 bits."""

Rectangle = tuple[Number, Number, Number, Number]
Polygon = Annotated[Entries[Point], Field(min_length=3)]


def corners_of(rectangle: Rectangle) -> Floats:
    """The corners (4, 2) of [x_min, y_min, x_max, y_max], counter-clockwise."""
    x_min, y_min, x_max, y_max = rectangle
    return np.array([(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)])


def check_rectangle(rectangle: Rectangle, name: str) -> None:
    """Raise ValueError, for a validator, unless the rectangle has an area."""
    x_min, y_min, x_max, y_max = rectangle
    if x_min >= x_max or y_min >= y_max:
        raise ValueError(f"rectangle = {list(rectangle)} of '{name}': must be [x_min, y_min, x_max, y_max]")


def check_polygon(polygon: tuple[Point, ...], name: str) -> None:
    """Raise ValueError, for a validator, unless the polygon has an area and does not cross itself."""
    import shapely

    corners = polygon[:-1] if polygon[0] == polygon[-1] else polygon
    if len(set(corners)) < 3:
        raise ValueError(f"polygon of '{name}': has {len(set(corners))} corners, needs at least 3")
    shape = shapely.Polygon(corners)
    with np.errstate(over="ignore", invalid="ignore"):
        reason = shapely.is_valid_reason(shape)
    if not shape.is_valid:
        raise ValueError(f"polygon of '{name}': crosses or touches itself ({reason}, in metres)")
    if shape.area <= TOLERANCE * shape.length:
        raise ValueError(f"polygon of '{name}': has no area")


class Wall(Strict):
    """A polyline that blocks sight and motion."""

    points: Annotated[Entries[Point], Field(min_length=2)]


class Tile(Strict):
    """A rectangle [x_min, y_min, x_max, y_max] or a polygon: what a policy sees of a position."""

    name: Name
    rectangle: Rectangle | None = None
    polygon: Polygon | None = None

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if (self.rectangle is None) == (self.polygon is None):
            raise ValueError(f"'{self.name}' needs either a rectangle or a polygon")
        if self.rectangle is not None:
            check_rectangle(self.rectangle, self.name)
        if self.polygon is not None:
            check_polygon(self.polygon, self.name)
        return self

    @property
    def outline(self) -> Floats:
        """Its corners, (n, 2) in metres."""
        return np.array(self.polygon) if self.rectangle is None else corners_of(self.rectangle)


def _kind_of_tiles(value: Any) -> str:
    return "word" if isinstance(value, str) else "tables"


Tiles = Annotated[
    Annotated[Entries[Tile], Field(min_length=1, max_length=MOST_TILES), Tag("tables")]
    | Annotated[Literal["rooms", "waypoints"], Tag("word")],
    Discriminator(_kind_of_tiles),
]
"""Tables of tiles, or the rule that makes tiles of rooms or of waypoints."""


class Room(Strict):
    """A room and its outline."""

    name: Name
    polygon: Polygon

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        check_polygon(self.polygon, self.name)
        return self


class Door(Strict):
    """A segment that is open: it blocks nothing, and the edges that cross it lead through the door."""

    name: Name
    points: tuple[Point, Point]


class Waypoint(Strict):
    """A point that agents move between, along edges."""

    name: Name
    position: Point


class Edge(Strict):
    """A straight way between two waypoints; in TOML a pair of names where nothing else is said of it.

    Attributes
    ----------
    length : float, optional
        Metres, where the way is longer or shorter than the straight line.
    one_way : bool
        Whether it leads from the first end to the second only.
    lift : str, optional
        Name of the lift, on edges that join two levels.
    """

    ends: tuple[str, str]
    length: Annotated[Number, Field(ge=SHORTEST_EDGE, le=LONGEST_WAYS)] | None = None
    one_way: Annotated[bool, Field(strict=True)] = False
    lift: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_pair(cls, value: Any) -> Any:
        return {"ends": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _lift_has_a_length(self) -> Self:
        if self.lift is not None and self.length is None:
            raise ValueError(f"the lift {shown(self.lift)} needs a length, in metres of an agent's way")
        return self

    @model_serializer(mode="wrap")
    def _as_pair(self, handler: SerializerFunctionWrapHandler) -> Any:
        data = {key: value for key, value in handler(self).items() if value not in (None, False)}
        return data["ends"] if data.keys() == {"ends"} else data


class Level(Strict):
    """A level of the building: all that lies in its rectangle [x_min, y_min, x_max, y_max].

    With ``to_source`` = [a, b, c, d, e, f] a point (x, y) is (a x + b y + c, d x + e y + f) in the frame of
    the file that the plan was imported from.
    """

    name: Name
    rectangle: Rectangle
    to_source: tuple[Number, Number, Number, Number, Number, Number] | None = None

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        check_rectangle(self.rectangle, self.name)
        if self.to_source is not None:
            a, b, _, d, e, _ = self.to_source
            if a * e == b * d:
                raise ValueError(f"to_source = {list(self.to_source)} of '{self.name}': has no way back")
        return self
