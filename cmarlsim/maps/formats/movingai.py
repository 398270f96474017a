"""Maps of the MovingAI benchmarks (octile grids)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from cmarlsim.errors import InputError, shown
from cmarlsim.maps.draft import Remark
from cmarlsim.maps.formats.pictures import MOST_PIXELS
from cmarlsim.maps.formats.problems import check_none
from cmarlsim.maps.formats.ros import check_resolution
from cmarlsim.maps.raster import Raster
from cmarlsim.storage.files import read_bytes

PASSABLE, BLOCKED, OUTSIDE = b".GS", b"TW", b"@O"
"""Letters: ground and swamp, trees and water, and what is out of bounds."""

_HEADER = re.compile(rb"type +(\S+) *\nheight +(\d{1,9}) *\nwidth +(\d{1,9}) *\nmap *\n")


def read_movingai(path: Path, resolution: float) -> tuple[Raster, tuple[Remark, ...]]:
    """Read a map; robots on the ground may go on ``.``, ``G`` and ``S`` (swamp), all else is occupied.

    Parameters
    ----------
    resolution
        Metres a cell, which the format does not say; the lower left corner is (0, 0).

    Raises
    ------
    InputError
        If it cannot be read or is no such map; all rows that are wrong are told in one message.
    """
    check_resolution(resolution)
    data = read_bytes(path).replace(b"\r\n", b"\n")
    header = _HEADER.match(data)
    if not header:
        raise InputError(
            f"{path}: not a MovingAI map: it begins with {shown(data[:60])}; must be the lines "
            "'type octile', 'height H', 'width W' and 'map'"
        )
    if header[1] != b"octile":
        raise InputError(f"{path}: is of type {shown(header[1])}; must be octile")
    height, width = int(header[2]), int(header[3])
    if not 1 <= height * width <= MOST_PIXELS:
        raise InputError(f"{path}: {width:,} x {height:,} cells; must be 1 to {MOST_PIXELS:,}")
    rows = data[header.end() :].rstrip(b"\n").split(b"\n")
    _check_rows(rows, height, width, path)
    cells = np.flipud(np.frombuffer(b"".join(rows), np.uint8).reshape(height, width))
    free = np.isin(cells, np.frombuffer(PASSABLE, np.uint8))
    raster = Raster(free, ~free, resolution, (0.0, 0.0, 0.0))
    return raster, (
        Remark(
            "found",
            f"{path.name} has {width:,} x {height:,} cells of {resolution:g} m, so it is "
            f"{width * resolution:g} x {height * resolution:g} m; of them {free.mean():.1%} are free.",
        ),
    )


def _check_rows(rows: list[bytes], height: int, width: int, path: Path) -> None:
    problems = []
    if len(rows) != height:
        problems.append(f"has {len(rows):,} rows, and its height is {height:,}")
    known = PASSABLE + BLOCKED + OUTSIDE
    for number, row in enumerate(rows[:height], 1):
        if len(row) != width:
            problems.append(f"row {number} has {len(row):,} letters, and the width is {width:,}")
        if strange := row.translate(None, known):
            problems.append(f"row {number} has the letter {shown(strange[:1])}; must be of {known.decode()}")
    check_none(path, problems)
