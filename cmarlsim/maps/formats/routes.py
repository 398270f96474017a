"""Route graphs of ROS 2's nav2_route, in GeoJSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from cmarlsim.errors import InputError, listed, shown
from cmarlsim.maps.draft import Edge, Remark, WayGraph
from cmarlsim.maps.formats.graphs import distances, remarks_on, unconnected
from cmarlsim.maps.formats.problems import check_none
from cmarlsim.maps.formats.ros import FARTHEST
from cmarlsim.storage.files import read_text, write_whole
from cmarlsim.validation import json_of

MOST_BYTES = 10**8
"""Bytes of a graph."""

LONGEST_DETOUR = 5.0
"""How many times as long as the distance of its ends an edge may be for its cost to be taken for a length."""

_Feature = tuple[str, dict[str, Any], Any]  # where it stands, its properties and coordinates
_LINES = ("LineString", "MultiLineString")
_CRS = "urn:ogc:def:crs:EPSG::3857"  # what nav2 writes; nothing is projected


class _File(NamedTuple):
    ids: list[int]  # of nodes
    positions: list[tuple[float, float]]
    names: list[str | None]
    frames: set[str]
    ways: list[_Way]


class _Way(NamedTuple):
    start: int
    end: int
    cost: float | None
    length: float | None


def read_route_graph(path: Path) -> tuple[WayGraph, tuple[Remark, ...]]:
    """Read a route graph; positions are metres in the frame of the map, whatever its `crs` says.

    Node 7 becomes waypoint n7, or has the name that its metadata give. Two edges between the same nodes in
    opposite directions become one, unless their lengths differ. To nav2 `cost` is a weight: it is taken for a
    length only where each edge has one and all of them can be lengths of ways between the ends.

    Raises
    ------
    InputError
        All that is wrong in it in one message.
    """
    try:
        data = json_of(read_text(path, MOST_BYTES))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not valid JSON: {error}") from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{path}: must be a GeoJSON FeatureCollection, an object with a list of features")
    problems: list[str] = []
    file = _parsed(features, problems)
    check_none(path, problems)
    position = np.array(file.positions)
    given, remarks = _lengths(file)
    lengths: dict[tuple[int, int], float | None] = {}
    for way, length in zip(file.ways, given, strict=True):
        ends = (way.start, way.end)
        lengths[ends] = length if length is None else min(length, lengths.get(ends) or math.inf)
    graph = WayGraph(_names(file), position, _edges(lengths))
    check_none(path, unconnected(graph))
    return graph, (*remarks, *_more_remarks(file, lengths), *remarks_on(graph))


def _parsed(features: list[Any], problems: list[str]) -> _File:
    """Nodes and edges; appends what is wrong with them to `problems`."""
    file = _File([], [], [], set(), [])
    index: dict[int, int] = {}
    nodes, edges = _sorted(features, problems)
    for place, properties, coordinates in nodes:
        number, point = properties.get("id"), _point(coordinates)
        if not _is_id(number):
            problems.append(f"{place}: id = {shown(number, 40)}: must be a whole number, 0 or above")
        elif number in index:
            problems.append(f"{place}: another node has the id {number} as well")
        elif point is None:
            problems.append(
                f"{place}: node {number} has the coordinates {shown(coordinates, 40)}: must be [x, y]"
            )
        else:
            index[number] = len(file.ids)
            file.ids.append(number)
            file.positions.append(point)
            file.names.append(_name(properties))
            file.frames.add(str(properties.get("frame") or "map"))
    for place, properties, _ in edges:
        ids = {key: properties.get(key) for key in ("startid", "endid")}
        known = [index[each] for each in ids.values() if _is_id(each) and each in index]
        if len(known) < 2:
            problems.append(f"{place}: {shown(ids, 60)}: there are no such nodes")
            continue
        start, end = known
        if file.positions[start] == file.positions[end]:
            problems.append(f"{place}: nodes {ids['startid']} and {ids['endid']} are in one place")
        length = _positive(_table(properties, "metadata").get("length"))
        file.ways.append(_Way(start, end, _positive(properties.get("cost")), length))
    if len(file.frames) > 1:
        problems.append(f"nodes are in the frames {listed(sorted(file.frames))}; must be one frame")
    return file


def _sorted(features: list[Any], problems: list[str]) -> tuple[list[_Feature], list[_Feature]]:
    """The nodes and the edges among the features."""
    nodes: list[_Feature] = []
    edges: list[_Feature] = []
    for i, feature in enumerate(features):
        place = f"features[{i}]"
        geometry, properties = (_table(feature, key) for key in ("geometry", "properties"))
        kind = geometry.get("type")
        if not isinstance(kind, str):
            problems.append(f"{place}: has no geometry with a type")
        elif kind in ("Point", *_LINES):
            to = nodes if kind == "Point" else edges
            to.append((place, properties, geometry.get("coordinates")))
    for kind, found, right in (("nodes", nodes, "a Point"), ("edges", edges, "a LineString")):
        if not found:
            problems.append(f"has no {kind}; each is {right}")
    return nodes, edges


def _table(value: object, key: str) -> dict[str, Any]:
    """The object under a key, empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _point(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) < 2:
        return None
    x, y = value[:2]
    fits = all(_is_number(each) and abs(each) <= FARTHEST for each in (x, y))
    return (float(x), float(y)) if fits else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: object) -> float | None:
    return float(value) if _is_number(value) and 0 < value <= FARTHEST else None


def _name(properties: dict[str, Any]) -> str | None:
    name = _table(properties, "metadata").get("name")
    return name if isinstance(name, str) and name.isprintable() and 1 <= len(name) <= 100 else None


def _names(file: _File) -> tuple[str, ...]:
    names = [name or f"n{number}" for name, number in zip(file.names, file.ids, strict=True)]
    return tuple(names) if len(set(names)) == len(names) else tuple(f"n{number}" for number in file.ids)


def _lengths(file: _File) -> tuple[list[float | None], list[Remark]]:
    """The length of each way in metres, None for the distance of its ends."""
    if any(way.length for way in file.ways):
        return [way.length for way in file.ways], []
    costs = np.array([way.cost or math.nan for way in file.ways])
    straight = np.array([math.dist(file.positions[way.start], file.positions[way.end]) for way in file.ways])
    detour = costs / straight
    if np.isnan(costs).all() or (np.abs(detour - 1) < 1e-6).all():
        return [None] * len(costs), []
    steady = np.ptp(costs) < 1e-6 * costs.max() and np.ptp(straight) > 0.05 * straight.max()
    if ((detour >= 0.99) & (detour <= LONGEST_DETOUR)).all() and not steady:
        return costs.tolist(), [
            Remark("guessed", "The costs of edges are taken for their lengths in metres.")
        ]
    text = "The costs of edges cannot all be lengths, so edges are as long as the distance of their ends."
    return [None] * len(costs), [Remark("guessed", text)]


def _edges(lengths: dict[tuple[int, int], float | None]) -> tuple[Edge, ...]:
    edges = []
    for (a, b), length in lengths.items():
        one_way = (b, a) not in lengths or lengths[b, a] != length
        if one_way or a < b:
            edges.append(Edge(a, b, length, one_way))
    return tuple(edges)


def _more_remarks(file: _File, lengths: dict[tuple[int, int], float | None]) -> Iterator[Remark]:
    if file.frames != {"map"}:
        text = f"Nodes are in the frame {shown(file.frames.pop(), 40)}, which is taken for the map's."
        yield Remark("guessed", text)
    names = _names(file)
    times = Counter((way.start, way.end) for way in file.ways)
    said = {
        "These edges stand in the file more than once, and the shortest counts": [
            ends for ends, number in times.items() if number > 1
        ],
        "These edges have no counterpart that leads back, so they are one-way": [
            (a, b) for a, b in lengths if (b, a) not in lengths
        ],
    }
    for text, found in said.items():
        if found:
            yield Remark("found", f"{text}: {listed([f'{names[a]} to {names[b]}' for a, b in found])}.")


def write_route_graph(graph: WayGraph, path: Path) -> None:
    """Write a route graph that nav2 reads; names and lengths of edges are in metadata.

    Edges cost what they are long. Scorers of nav2 may replace that by the distance of their ends, but not
    where an edge has a length of its own.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    features: list[dict[str, Any]] = []
    points = graph.position.tolist()
    for number, (name, point) in enumerate(zip(graph.names, points, strict=True)):
        properties = {"id": number, "frame": "map", "metadata": {"name": name}}
        features.append(_feature(properties, "Point", point))
    for edge, distance in zip(graph.edges, distances(graph).tolist(), strict=True):
        for start, end in [(edge.start, edge.end), (edge.end, edge.start)][: 1 if edge.one_way else 2]:
            properties = {
                "id": len(features),
                "startid": start,
                "endid": end,
                "overridable": edge.length is None,
            }
            properties["cost"] = distance if edge.length is None else edge.length
            if edge.length is not None:
                properties["metadata"] = {"length": edge.length}
            features.append(_feature(properties, "LineString", [points[start], points[end]]))
    crs = {"type": "name", "properties": {"name": _CRS}}
    data = {"type": "FeatureCollection", "name": path.stem, "crs": crs, "features": features}
    write_whole(path, (json.dumps(data, indent=1) + "\n").encode())


def _feature(properties: dict[str, Any], kind: str, coordinates: list[Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}
