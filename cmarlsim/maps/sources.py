"""Files of others that hold a building: which kind each of them is, told by what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Draft, Remark, WayGraph
from cmarlsim.maps.formats.frames import inverse
from cmarlsim.maps.formats.movingai import read_movingai
from cmarlsim.maps.formats.open_rmf import read_open_rmf
from cmarlsim.maps.formats.patrol import read_patrol_graph
from cmarlsim.maps.formats.pictures import read_picture
from cmarlsim.maps.formats.ros import (
    FREE,
    OCCUPIED,
    UNKNOWN,
    check_resolution,
    read_plan_picture,
    read_ros_map,
)
from cmarlsim.maps.formats.routes import read_route_graph
from cmarlsim.maps.formats.yaml_text import read_yaml
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.raster_building import AS_IT_IS, Frame, draft_of_raster
from cmarlsim.maps.ways.around_walls import cleared
from cmarlsim.maps.ways.reaching import one_piece
from cmarlsim.storage.files import problem_at, read_bytes

KINDS = (
    "a map of ROS (YAML with an image), a building.yaml of Open-RMF, a MovingAI map, or a picture of a plan"
)
"""What can be imported, for messages."""

MOST_WAYPOINTS = 5_000
"""Waypoints of a building; distances between any two of them are kept."""

_PICTURES = (b"P2", b"P5", b"\x89PNG", b"BM", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"\x1f\x8b")


class Backdrop(NamedTuple):
    """A picture that lies under a level: greys (H, W) from top to bottom, and where they are.

    Attributes
    ----------
    frame
        The (2, 3) matrix that takes (column, row, 1), from the upper left corner, to metres.
    """

    grey: NDArray[np.uint8]
    frame: Floats


class Imported(NamedTuple):
    """A building from somebody's files, and the pictures that it was made from, or drawn over."""

    draft: Draft
    backdrops: tuple[Backdrop, ...]


@dataclass(frozen=True)
class Asked:
    """What goes with a source.

    Attributes
    ----------
    graph
        A `.graph` of patrolling_sim, or a route graph of nav2.
    levels
        Levels of an Open-RMF building that are wanted; none: all.
    resolution
        Metres a pixel or cell, where the source does not say it.
    """

    graph: Path | None = None
    levels: tuple[str, ...] = ()
    resolution: float | None = None


def import_building(path: Path, asked: Asked) -> Imported:
    """Read a building from any source.

    Raises
    ------
    InputError
        If the source or its graph cannot be read, or what is asked does not go with it.
    """
    kind = kind_of(path)
    if asked.resolution is not None:
        check_resolution(asked.resolution)
    if asked.levels and kind != "open-rmf":
        raise InputError(f"--level: {path.name} has no levels, only a building.yaml of Open-RMF has")
    if kind == "open-rmf":
        if asked.graph:
            raise InputError(
                f"--graph: {path.name} has lanes of its own; only maps and pictures take a graph"
            )
        draft = read_open_rmf(path, asked.levels, asked.resolution)
        with _told_of(path, path):
            draft = cleared(_in_one_piece(draft))
        return Imported(draft, _drawings(draft, path))
    raster, remarks, to_source = _raster(path, kind, asked.resolution)
    graph = None
    if asked.graph:
        graph, more = _graph(asked.graph)
        remarks = (*remarks, *more)
    with _told_of(path, asked.graph or path):
        draft = draft_of_raster(path.name, raster, graph, to_source, remarks)
    return Imported(_in_one_piece(draft), (_backdrop(raster),))


@contextmanager
def _told_of(path: Path, graph: Path) -> Iterator[None]:
    """Have what is wrong with a building, or with how its graph fits it, told with the file's name."""
    try:
        yield
    except InputError as error:
        problem = str(error).removeprefix("graph: ")
        raise InputError(f"{path if problem == str(error) else graph}: {problem}") from None


def kind_of(path: Path) -> str:
    """What a file is: ``open-rmf``, ``ros``, ``movingai`` or ``picture``.

    Raises
    ------
    InputError
        If it cannot be read, or is none that can be imported.
    """
    data = read_bytes(path)
    if data.startswith(_PICTURES) or data[8:12] == b"WEBP":
        return "picture"
    if re.match(rb"type[ \t]+\w+\s", data):
        return "movingai"
    for pattern, problem in _OTHERS.items():
        if re.match(pattern, data):
            raise InputError(f"{path}: {problem}")
    keys = read_yaml(path)
    if isinstance(keys, dict) and "levels" in keys:
        return "open-rmf"
    if isinstance(keys, dict) and keys.keys() & {"image", "resolution", "origin"}:
        return "ros"
    if isinstance(keys, dict) and "features" in keys:
        raise InputError(f"{path}: is GeoJSON: routes are given by --graph, with their map as the source")
    raise InputError(f"{path}: is not {KINDS}")


def pictures_of(path: Path) -> list[Path]:
    """Pictures that a source names: of a map, or of the levels of a building.

    Raises
    ------
    InputError
        If the source cannot be read.
    """
    kind = kind_of(path)
    if kind == "open-rmf":
        return list(_drawn(read_yaml(path)["levels"], path).values())
    image = read_yaml(path).get("image") if kind == "ros" else None
    return [path.parent / image] if isinstance(image, str) else []


def _in_one_piece(draft: Draft) -> Draft:
    """A building whose graph is in one piece."""
    _check_size(draft.graph, draft.source)
    graph, remarks = one_piece(draft.graph, draft.walls, draft.level_of(draft.graph.position))
    kept = {name: i for i, name in enumerate(graph.names)}

    def still(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(kept[draft.graph.names[i]] for i in indices if draft.graph.names[i] in kept)

    draft = replace(draft, graph=graph, starts=still(draft.starts), named=still(draft.named))
    return draft.remarked(*remarks)


def _raster(path: Path, kind: str, resolution: float | None) -> tuple[Raster, tuple[Remark, ...], Frame]:
    """The raster of a map or picture, and the way back to its frame."""
    if kind == "ros":
        if resolution is not None:
            raise InputError(f"--resolution {resolution:g}: {path.name} says its own")
        raster, remarks = read_ros_map(path)
        return raster, remarks, AS_IT_IS
    if resolution is None:
        what = "a cell" if kind == "movingai" else "a pixel"
        raise InputError(
            f"{path}: does not say how large {what} is: add --resolution, in metres, such as 0.05"
        )
    read = read_movingai if kind == "movingai" else read_plan_picture
    raster, remarks = read(path, resolution)
    height, scale = raster.free.shape[0], 1 / resolution
    return raster, remarks, (scale, 0.0, 0.0, 0.0, -scale, float(height))


def _graph(path: Path) -> tuple[WayGraph, tuple[Remark, ...]]:
    """A graph, of routes if it is JSON."""
    routes = read_bytes(path).lstrip()[:1] in (b"{", b"[")
    graph, remarks = read_route_graph(path) if routes else read_patrol_graph(path)
    _check_size(graph, path)
    return graph, remarks


def _check_size(graph: WayGraph, source: str | Path) -> None:
    """Raise InputError if there are too many waypoints."""
    if len(graph.names) > MOST_WAYPOINTS:
        raise InputError(
            f"{source}: {len(graph.names):,} waypoints are more than the {MOST_WAYPOINTS:,} of a building; "
            "import a part of it"
        )


def _backdrop(raster: Raster) -> Backdrop:
    """The raster as a picture."""
    grey = np.full(raster.free.shape, UNKNOWN, dtype=np.uint8)
    grey[raster.free], grey[raster.occupied] = FREE, OCCUPIED
    height = len(grey)
    corner, right, down = raster.to_metres(
        np.array([[0, height], [1, height], [0, height - 1]], dtype=np.float64)
    )
    return Backdrop(np.flipud(grey), np.column_stack([right - corner, down - corner, corner]))


def _drawings(draft: Draft, path: Path) -> tuple[Backdrop, ...]:
    """The drawings of the levels of an Open-RMF building, those that are there."""
    keys, found = read_yaml(path), []
    if keys.get("coordinate_system", "reference_image") != "reference_image":
        return ()
    pictures = _drawn(keys["levels"], path)
    for level in draft.levels:
        picture = pictures.get(level.name)
        if picture is not None and not problem_at(picture) and picture.exists():
            frame = inverse(np.reshape(level.to_source, (2, 3)))
            found.append(Backdrop(read_picture(picture).grey.astype(np.uint8), frame))
    return tuple(found)


def _drawn(levels: Any, path: Path) -> dict[str, Path]:
    """The picture that each level of an Open-RMF building names as its drawing."""
    tables = levels.items() if isinstance(levels, dict) else ()
    drawings = {name: level.get("drawing") for name, level in tables if isinstance(level, dict)}
    files = {name: d.get("filename") for name, d in drawings.items() if isinstance(d, dict)}
    return {name: path.parent / file for name, file in files.items() if isinstance(file, str) and file}


_OTHERS = {
    rb"(\s*-?[0-9.]+\s){5}": "is a list of numbers: a graph is given by --graph, with its map as the source",
    rb"\s*<": "is XML, which is not read: import the map that it belongs to",
    rb"(?s).{0,1000}\x00": f"is neither text nor a picture that is read; must be {KINDS}",
    rb"\s*\Z": "is empty",
}
"""What other files begin with, and what to do with them."""
