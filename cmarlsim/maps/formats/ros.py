"""Maps of ROS: a YAML file that says what the greys of a picture mean, and where it lies."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.errors import ArgumentError, InputError, listed, nearest, shown
from cmarlsim.kernels.world import Bools
from cmarlsim.maps.draft import Remark
from cmarlsim.maps.formats.pictures import read_picture
from cmarlsim.maps.formats.problems import check_none, number_in
from cmarlsim.maps.formats.yaml_text import read_yaml
from cmarlsim.maps.raster import Raster
from cmarlsim.storage.files import problem_at, published

FREE, OCCUPIED, UNKNOWN = 254, 0, 205
"""Greys that ROS's map savers write."""

FREE_BELOW, OCCUPIED_ABOVE = 0.196, 0.65
"""Thresholds on darkness, 0 (white) to 1 (black), that ROS's map savers write."""

FINEST, COARSEST = 1e-3, 10.0
"""Metres a pixel."""

_PICTURES = (".pgm", ".png", ".bmp", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".gz")
_SWITCHES = {
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
}
FARTHEST = 1e6
"""Metres from the origin."""

_RIGHT = {
    "image": "the name of a picture, from the folder of this file",
    "resolution": f"metres a pixel, {FINEST:g} to {COARSEST:g}",
    "origin": "[x, y, yaw] of the lower left corner, in metres and radians",
    "negate": "0, or 1 where white is occupied",
    "occupied_thresh": "a number from 0 to 1, such as 0.65",
    "free_thresh": "a number from 0 to 1, such as 0.196",
    "mode": "trinary, scale or raw",
}


class _MapFile(NamedTuple):
    image: Path
    resolution: float
    origin: tuple[float, float, float]
    negate: bool
    occupied_thresh: float
    free_thresh: float
    mode: Literal["trinary", "scale", "raw"] = "trinary"


def read_ros_map(path: Path) -> tuple[Raster, tuple[Remark, ...]]:
    """Read a map of ROS 1's or ROS 2's map_server.

    A pixel of darkness p, 0 to 1, is occupied at p >= occupied_thresh and free at p <= free_thresh, as in
    ROS 2 (ROS 1 leaves out equality). In mode raw, p is the stored value in percent, whatever `negate` says,
    and values above 100 are unknown. Pixels that are not opaque are unknown.

    Raises
    ------
    InputError
        All that is wrong with the YAML file in one message; or what is wrong with its picture.
    """
    file = _parsed(path)
    picture = read_picture(file.image)
    if file.mode == "raw":
        darkness = picture.grey / np.float32(100)
        known = (darkness <= 1) & (picture.alpha == 255)
    else:
        darkness = _darkness(picture.grey, file.negate)
        known = picture.alpha == 255
    raster = _raster(darkness, known, file)
    remarks = [_found(raster, file.image.name)]
    if file.mode == "raw" and file.negate:
        remarks.append(Remark("warning", "In mode raw, negate has no meaning, and is ignored."))
    greys = int(np.count_nonzero(raster.free & np.flipud(picture.grey == UNKNOWN)))
    if greys and file.mode != "raw":
        remarks.append(
            Remark(
                "warning",
                f"{greys:,} cells of grey {UNKNOWN}, which map savers write for unknown, are free because "
                f"free_thresh = {file.free_thresh:g}; below {FREE_BELOW} they would be unknown.",
            )
        )
    if translucent := int(np.count_nonzero(picture.alpha < 255)):
        remarks.append(Remark("warning", f"{translucent:,} pixels are not opaque, and so they are unknown."))
    if file.origin[2]:
        remarks.append(
            Remark("found", f"The map is turned by its yaw of {file.origin[2]:g} rad, as the file says.")
        )
    return raster, tuple(remarks)


def read_plan_picture(path: Path, resolution: float) -> tuple[Raster, tuple[Remark, ...]]:
    """Read any picture of a plan, dark where something stands; its lower left corner is (0, 0).

    A picture with the greys of ROS's map savers is read with their thresholds. In all others, light halves of
    the greys are free and dark ones are occupied. What shines through is white.

    Parameters
    ----------
    resolution
        Metres a pixel.

    Raises
    ------
    InputError
        If the picture cannot be read.
    """
    check_resolution(resolution)
    picture = read_picture(path)
    saved = np.count_nonzero(picture.grey == UNKNOWN) > 0.01 * picture.grey.size
    thresholds = (OCCUPIED_ABOVE, FREE_BELOW) if saved else (0.5, 0.5)
    grey = (255 - (255 - picture.grey) * (picture.alpha / np.float32(255))).astype(np.float32)
    file = _MapFile(path, resolution, (0.0, 0.0, 0.0), False, *thresholds)
    raster = _raster(_darkness(grey, False), np.ones(grey.shape, np.bool_), file)
    read = (
        f"grey {UNKNOWN} is taken as unknown, as in maps of ROS"
        if saved
        else "what is darker than half is taken as occupied, all else as free"
    )
    return raster, (
        _found(raster, path.name),
        Remark("guessed", f"In {path.name}, {read}; its lower left corner is taken as (0, 0)."),
    )


def check_resolution(resolution: float) -> None:
    """Raise ArgumentError if no picture of a building has this resolution, in metres a pixel."""
    if not FINEST <= resolution <= COARSEST:
        raise ArgumentError("resolution", resolution, f"must be {FINEST:g} to {COARSEST:g} metres a pixel")


def write_ros_map(raster: Raster, path: Path) -> None:
    """Write a map for ROS's map_server: YAML as `path`, and beside it the picture, named likewise, in PGM.

    Raises
    ------
    InputError
        If it cannot be written; then neither file is there, or both are as they were.
    """
    picture = path.with_suffix(".pgm")
    if picture == path:
        raise ArgumentError("path", str(path), "must be the name of the YAML file, such as map.yaml")
    height, width = raster.free.shape
    grey = np.full((height, width), UNKNOWN, np.uint8)
    grey[raster.free], grey[raster.occupied] = FREE, OCCUPIED
    text = (
        f"image: {json.dumps(picture.name, ensure_ascii=False)}\nmode: trinary\n"
        f"resolution: {float(raster.resolution)!r}\n"
        f"origin: [{', '.join(repr(float(value)) for value in raster.origin)}]\nnegate: 0\n"
        f"occupied_thresh: {OCCUPIED_ABOVE}\nfree_thresh: {FREE_BELOW}\n"
    )
    with published(path) as text_file, published(picture) as picture_file:
        text_file.write_text(text, encoding="utf-8")
        picture_file.write_bytes(f"P5\n{width} {height}\n255\n".encode() + np.flipud(grey).tobytes())


def _darkness(grey: NDArray[np.float32], negate: bool) -> NDArray[np.float32]:
    return grey / np.float32(255) if negate else (255 - grey) / np.float32(255)


def _raster(darkness: NDArray[np.float32], known: Bools, file: _MapFile) -> Raster:
    free = known & (darkness <= np.float32(file.free_thresh))
    occupied = known & (darkness >= np.float32(file.occupied_thresh)) & ~free
    return Raster(np.flipud(free).copy(), np.flipud(occupied).copy(), file.resolution, file.origin)


def _found(raster: Raster, name: str) -> Remark:
    height, width = raster.free.shape
    free, occupied = raster.free.mean(), raster.occupied.mean()
    unknown = (~(raster.free | raster.occupied)).mean()
    return Remark(
        "found",
        f"{name} has {width:,} x {height:,} cells of {raster.resolution:g} m, so it is "
        f"{width * raster.resolution:.2f} x {height * raster.resolution:.2f} m; of them {free:.1%} are free, "
        f"{occupied:.1%} occupied and {unknown:.1%} unknown.",
    )


def _parsed(path: Path) -> _MapFile:
    """The YAML file; InputError with all that is wrong in it."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: must have the keys {', '.join(_RIGHT)}, as maps of ROS have")
    missing = [key for key in _RIGHT if key not in data and key != "mode"]
    problems = [f"{key} is missing: must be {_RIGHT[key]}" for key in missing]
    values = {key: _value(key, data[key]) for key in _RIGHT if key in data}
    for key, value in values.items():
        if value is None:
            problems.append(f"{key} = {shown(data[key])}: must be {_RIGHT[key]}")
    free, occupied = values.get("free_thresh"), values.get("occupied_thresh")
    if free is not None and occupied is not None and free >= occupied:
        problems.append(f"free_thresh = {free:g} must be below occupied_thresh = {occupied:g}")
    image = path.parent / (values.get("image") or "")
    if values.get("image"):
        problems += _problem_of(image)
    check_none(path, problems)
    return _MapFile(**(values | {"image": image}))


def _value(key: str, value: object) -> Any:
    """What the value of a key means; None if it is not what is right."""
    text = value.lower() if isinstance(value, str) else ""
    if key == "image":
        return value if text else None
    if key == "origin":
        return _pose(value)
    if key == "negate":
        return _SWITCHES.get(text)
    if key == "mode":
        return text if text in ("trinary", "scale", "raw") else None
    number = number_in(value)
    low, high = (FINEST, COARSEST) if key == "resolution" else (0.0, 1.0)
    return number if number is not None and low <= number <= high else None


def _pose(value: object) -> tuple[float, float, float] | None:
    numbers = [number_in(each) for each in value] if isinstance(value, list) else []
    known = [each for each in numbers if each is not None]
    if not len(numbers) == len(known) == 3:
        return None
    x, y, yaw = known
    fits = max(abs(x), abs(y)) <= FARTHEST and abs(yaw) <= 2 * math.pi
    return (x, y, yaw) if fits else None


def _problem_of(image: Path) -> list[str]:
    """What keeps the picture from being read, with those that are there."""
    if problem := problem_at(image):
        return [f"image: {image} {problem}"]
    if image.exists():
        return []
    try:
        others = sorted(p.name for p in image.parent.iterdir() if p.suffix.lower() in _PICTURES)
    except OSError:
        others = []
    there = f"pictures there: {listed(others)}" if others else "there are no pictures in that folder"
    return [f"image: there is no file {image}; {there}{nearest(image.name, others)}"]
