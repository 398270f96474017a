"""A building as it is read from somebody's files, before it becomes a floor plan and a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints


class Edge(NamedTuple):
    """A way from one waypoint to another, by their indices."""

    start: int
    end: int
    length: float | None = None  # metres; None: the distance of its ends
    one_way: bool = False
    lift: str | None = None  # the name of the lift that it is a ride in, between two levels


@dataclass(frozen=True)
class WayGraph:
    """Waypoints, (P, 2) in metres, with different names, and the edges between them."""

    names: tuple[str, ...]
    position: Floats
    edges: tuple[Edge, ...]


class Room(NamedTuple):
    """A room: its name and its outline, (n, 2) in metres, without the first corner again at the end."""

    name: str
    polygon: Floats


class Door(NamedTuple):
    """A door: its name and both ends, (2, 2) in metres. It is open: nothing is blocked by it."""

    name: str
    ends: Floats


class Level(NamedTuple):
    """A level: its name, the rectangle (x_min, y_min, x_max, y_max in metres) that it lies in, the way back.

    A point (x, y) in metres is (a x + b y + c, d x + e y + f) in the frame of the source.
    """

    name: str
    rectangle: tuple[float, float, float, float]
    to_source: tuple[float, float, float, float, float, float]


class Remark(NamedTuple):
    """Something that was found, guessed or mended, as a whole sentence for people, and where (metres)."""

    kind: Literal["found", "guessed", "warning"]
    text: str
    where: tuple[float, float] | None = None


@dataclass(frozen=True)
class Draft:
    """A building in metres; levels lie side by side in one plane.

    Attributes
    ----------
    walls
        Polylines, (n, 2) each.
    starts
        Indices of waypoints where agents begin, if the source names some.
    named
        Indices of waypoints that stand for a place: the source has named them, or they were chosen.
    """

    name: str
    source: str
    levels: tuple[Level, ...]
    walls: tuple[Floats, ...]
    doors: tuple[Door, ...]
    rooms: tuple[Room, ...]
    graph: WayGraph
    starts: tuple[int, ...] = ()
    named: tuple[int, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())

    def level_of(self, position: Floats) -> Ints:
        """The level, by its index, that holds each of the points, (n, 2); -1: none."""
        boxes = np.array([level.rectangle for level in self.levels])
        point = position[:, None]
        inside: Bools = np.all((point >= boxes[:, :2]) & (point <= boxes[:, 2:]), axis=2)
        return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)

    def remarked(self, *remarks: Remark) -> Draft:
        """The same with more remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))
