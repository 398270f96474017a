"""What an Open-RMF building.yaml says, in its own frame; everything that is wrong in it is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmarlsim.errors import InputError, listed, nearest, shown
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.formats.yaml_text import read_yaml
from cmarlsim.maps.names import MOST_NAME, printable
from cmarlsim.validation import real

SYSTEMS = ("reference_image", "cartesian_meters", "wgs84")
"""Coordinate systems that are read: pixels with y downwards, metres, degrees of longitude and latitude."""

MOST_PROBLEMS = 12
"""Problems that a message lists."""

STRING, INTEGER, DOUBLE, BOOLEAN = "1", "2", "3", "4"
"""Types of parameters, as the file writes them."""

Parameters = dict[str, str | float | bool]


class Line(NamedTuple):
    """A wall, door, lane or measurement: from one vertex to another, by their indices."""

    start: int
    end: int
    parameters: Parameters


class Lift(NamedTuple):
    """A lift: its cabin in the frame of its reference level, its size in metres, and the levels it serves."""

    name: str
    centre: tuple[float, float]
    yaw: float
    size: tuple[float, float]
    reference: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Storey:
    """A level as the file has it: points, (V, 2), with names and parameters, and what refers to them."""

    name: str
    points: Floats
    names: tuple[str, ...]
    parameters: tuple[Parameters, ...]
    lines: dict[str, tuple[Line, ...]]
    floors: tuple[tuple[int, ...], ...]
    fiducials: dict[str, tuple[float, float]]
    elevation: float


@dataclass(frozen=True)
class RmfFile:
    """A whole file; the frame of the level `reference` is the building's."""

    name: str
    system: str
    reference: str
    storeys: tuple[Storey, ...]
    lifts: tuple[Lift, ...]


def read_rmf_file(path: Path) -> RmfFile:
    """Read a building.yaml of Open-RMF's traffic editor.

    Raises
    ------
    InputError
        If it cannot be read or is no such file; one message for all that is wrong.
    """
    data, reader = read_yaml(path), _Reader()
    if not isinstance(data, dict) or not isinstance(data.get("levels"), dict):
        raise InputError(f"{path}: has no table 'levels', as a building.yaml of Open-RMF has")
    system = data.get("coordinate_system", SYSTEMS[0])
    if system not in SYSTEMS:
        problem = "is not read" if system == "web_mercator" else "is unknown"
        reader.tell(f"coordinate_system = {shown(system)}: {problem}; must be one of {', '.join(SYSTEMS)}")
    if not data["levels"]:
        raise InputError(f"{path}: levels is empty: must have at least one level")
    storeys = tuple(reader.storey(name, level) for name, level in data["levels"].items())
    names = [storey.name for storey in storeys]
    reference = data.get("reference_level_name") or names[0]
    if reference not in names:
        reader.tell(f"reference_level_name = {shown(reference)}: must be one of {listed(names)}")
    lifts = data.get("lifts") or {}
    read = [reader.lift(name, lift, reference, names) for name, lift in reader.table("lifts", lifts).items()]
    if reader.problems:
        more = len(reader.problems) - MOST_PROBLEMS
        told = reader.problems[:MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        raise InputError(f"{path}: {'; '.join(told)}")
    given = data.get("building_name") or data.get("name")
    name = printable(given if isinstance(given, str) else "") or path.name.partition(".")[0]
    return RmfFile(name, str(system), reference, storeys, tuple(lift for lift in read if lift.levels))


@dataclass
class _Reader:
    """Reads values and keeps what is wrong with them, so that all of it can be told."""

    problems: list[str] = field(default_factory=list)

    def tell(self, problem: str) -> None:
        self.problems.append(problem)

    def key(self, name: str) -> str:
        """The name of a level or lift, to which others refer, so that it must stay as it is."""
        if name != printable(name) or not name:
            self.tell(f"{shown(name, 40)}: a name must be 1 to {MOST_NAME} characters, without line breaks")
        return name

    def number(self, where: str, value: Any) -> float:
        try:
            return real(value if isinstance(value, str) else "")
        except ValueError:
            self.tell(f"{where} = {shown(value, 40)}: must be a number")
            return 0.0

    def table(self, where: str, value: Any) -> dict[str, Any]:
        if value in ("", None):
            return {}
        if not isinstance(value, dict):
            self.tell(f"{where} = {shown(value, 40)}: must be a table")
            return {}
        return value

    def entries(self, where: str, value: Any, least: int = 0) -> list[Any]:
        """The entries of a list, of which there must be some."""
        if value in ("", None) and not least:
            return []
        if not isinstance(value, list) or len(value) < least:
            wanted = f"a list of {least} or more" if least else "a list"
            self.tell(f"{where} = {shown(value, 40)}: must be {wanted}")
            return []
        return value

    def parameters(self, where: str, values: Any) -> Parameters:
        """Parameters by name, each of which the file writes as [type, value]."""
        found: Parameters = {}
        for name, pair in self.table(where, values).items():
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str):
                self.tell(f"{where}.{name} = {shown(pair, 40)}: must be [type, value]")
            elif pair[0] in (INTEGER, DOUBLE):
                found[name] = self.number(f"{where}.{name}", pair[1])
            elif pair[0] == BOOLEAN:
                if pair[1].lower() not in ("true", "false"):
                    self.tell(f"{where}.{name} = {shown(pair, 40)}: must be true or false")
                found[name] = pair[1].lower() == "true"
            elif pair[0] == STRING:
                found[name] = printable(pair[1])
            else:
                self.tell(f"{where}.{name} = {shown(pair, 40)}: the type must be 1, 2, 3 or 4")
        return found

    def storey(self, name: str, level: Any) -> Storey:
        where = f"levels.{self.key(name)}"
        level = self.table(where, level)
        points, names, parameters = [], [], []
        for i, vertex in enumerate(self.entries(f"{where}.vertices", level.get("vertices"))):
            place = f"{where}.vertices[{i}]"
            values = self.entries(place, vertex, 4)
            points.append([self.number(f"{place}[{j}]", values[j]) for j in (0, 1)] if values else [0.0, 0.0])
            named = values[3] if values else ""
            if not isinstance(named, str):
                self.tell(f"{place}[3] = {shown(named, 40)}: must be a name")
            names.append(printable(str(named)))
            parameters.append(self.parameters(place, values[4] if len(values) > 4 else {}))
        count = len(points)
        lines = {
            kind: tuple(self.lines(f"{where}.{kind}", level.get(kind), count))
            for kind in ("walls", "doors", "lanes", "measurements")
        }
        for i, line in enumerate(lines["measurements"]):
            distance = line.parameters.get("distance")
            if not isinstance(distance, float) or distance <= 0 or points[line.start] == points[line.end]:
                self.tell(f"{where}.measurements[{i}]: needs a distance above 0 m, between different points")
        floors = [
            self.indices(f"{where}.floors[{i}].vertices", self.table(f"{where}.floors[{i}]", floor), count)
            for i, floor in enumerate(self.entries(f"{where}.floors", level.get("floors")))
        ]
        fiducials: dict[str, tuple[float, float]] = {}
        for i, fiducial in enumerate(self.entries(f"{where}.fiducials", level.get("fiducials"))):
            place = f"{where}.fiducials[{i}]"
            if x_y_name := self.entries(place, fiducial, 3):
                x, y = (self.number(f"{place}[{j}]", x_y_name[j]) for j in (0, 1))
                fiducials[str(x_y_name[2])] = (x, y)
        return Storey(
            name,
            np.array(points).reshape(-1, 2),
            tuple(names),
            tuple(parameters),
            lines,
            tuple(floors),
            fiducials,
            self.number(f"{where}.elevation", level.get("elevation", "0")),
        )

    def index(self, where: str, value: Any, count: int) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or int(value) >= count:
            self.tell(f"{where} = {shown(value, 40)}: must be the index of a vertex, below {count}")
            return -1
        return int(value)

    def lines(self, where: str, values: Any, count: int) -> list[Line]:
        found = []
        for i, value in enumerate(self.entries(where, values)):
            place = f"{where}[{i}]"
            if not (parts := self.entries(place, value, 2)):
                continue
            start, end = (self.index(f"{place}[{j}]", parts[j], count) for j in (0, 1))
            parameters = self.parameters(place, parts[2] if len(parts) > 2 else {})
            if start == end != -1:
                self.tell(f"{place} = [{start}, {end}]: leads from a vertex to itself")
            elif start >= 0 and end >= 0:
                found.append(Line(start, end, parameters))
        return found

    def indices(self, where: str, floor: dict[str, Any], count: int) -> tuple[int, ...]:
        corners = self.entries(where, floor.get("vertices"))
        found = [self.index(f"{where}[{i}]", corner, count) for i, corner in enumerate(corners)]
        return tuple(found)

    def lift(self, name: str, lift: Any, reference: str, levels: Sequence[str]) -> Lift:
        where = f"lifts.{self.key(name)}"
        lift = self.table(where, lift)
        x, y, yaw, width, depth = (
            self.number(f"{where}.{key}", lift.get(key, "")) for key in ("x", "y", "yaw", "width", "depth")
        )
        served = tuple(self.table(f"{where}.level_doors", lift.get("level_doors", {})))
        named = lift.get("reference_floor_name") or reference
        for key, level in [("reference_floor_name", named), *(("level_doors", level) for level in served)]:
            if level not in levels:
                near = nearest(str(level), levels)
                self.tell(f"{where}.{key}: there is no level {shown(level)}, only {listed(levels)}{near}")
        return Lift(name, (x, y), yaw, (width, depth), named, served)
