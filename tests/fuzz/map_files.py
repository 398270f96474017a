"""Good maps of robots in every format that is imported, all of one small building."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CELL = 0.2
"""Metres a pixel."""

WAYPOINTS = {"west": (2.0, 2.0), "gap": (4.0, 2.0), "east": (6.0, 2.0), "north": (6.0, 5.0)}
WAYS = (("west", "gap"), ("gap", "east"), ("east", "north"))
WALLS = (
    *(((0, 0), (8, 0)), ((8, 0), (8, 7)), ((8, 7), (0, 7)), ((0, 7), (0, 0))),
    *(((4, 0), (4, 1.5)), ((4, 2.5), (4, 7))),
)
DOOR = ((4, 1.5), (4, 2.5))

ROS = """image: {image}
mode: {mode}
resolution: 0.2
origin: [-1.0, -1.0, {yaw}]
negate: {negate}
occupied_thresh: 0.65
free_thresh: 0.196
"""


def write() -> None:
    """Write all of them."""
    grey = drawn()
    height, width = grey.shape
    Path("flat.pgm").write_bytes(b"P5\n# made\n%d %d\n255\n" % (width, height) + grey.tobytes())
    rows = "\n".join(" ".join(map(str, row)) for row in grey)
    Path("text.pgm").write_text(f"P2\n{width} {height}\n255\n{rows}\n")
    Image.fromarray(grey).save("flat.png")
    Image.fromarray(255 - grey).convert("RGBA").save("negative.png")
    Image.fromarray(grey).save("flat.bmp")
    Path("packed.png.gz").write_bytes(gzip.compress(Path("flat.png").read_bytes(), mtime=0))
    for name, image, mode, yaw, negate in (
        ("flat", "flat.pgm", "trinary", 0, 0),
        ("text", "text.pgm", "scale", 0.5, 0),
        ("negative", "negative.png", "trinary", 0, 1),
        ("raw", "flat.bmp", "raw", 0, 0),
    ):
        text = ROS.format(image=image, mode=mode, yaw=yaw, negate=negate)
        Path(f"{name}.yaml").write_text(text)
    letters = np.where(grey == 254, ".", np.where(grey == 0, "T", "@"))
    lines = ["type octile", f"height {height}", f"width {width}", "map", *map("".join, letters)]
    Path("flat.map").write_text("\n".join(lines) + "\n")
    Path("flat.graph").write_text(_patrol_graph(width, height))
    Path("flat.geojson").write_text(json.dumps(_routes()))
    Path("house.building.yaml").write_text(json.dumps(_building()))


def drawn() -> NDArray[np.uint8]:
    """The plan as a picture, from the top: 0 walls, 254 free, 205 unknown."""
    grey = np.full((45, 50), 205, np.uint8)
    cells = {name: _cells(line) for name, line in (("door", DOOR), *enumerate(WALLS))}
    grey[5:41, 5:46] = 254
    for name, box in cells.items():
        grey[box] = 254 if name == "door" else 0
    return grey[::-1].copy()


def _cells(line: Any) -> tuple[slice, slice]:
    """Rows from below and columns of a wall along an axis; the frame begins 1 m left of and below 0."""
    (x1, y1), (x2, y2) = sorted(line)
    column, row = (
        slice(round((1 + low) / CELL), round((1 + high) / CELL) + 1) for low, high in ((x1, x2), (y1, y2))
    )
    return row, column


def _patrol_graph(width: int, height: int) -> str:
    names = list(WAYPOINTS)
    pixels = {name: [round((1 + value) / CELL) for value in point] for name, point in WAYPOINTS.items()}
    text = f"{len(names)}\n{width}\n{height}\n{CELL}\n-1.0\n-1.0\n"
    for i, name in enumerate(names):
        near = [b if a == name else a for a, b in WAYS if name in (a, b)]
        text += f"\n{i}\n{pixels[name][0]}\n{pixels[name][1]}\n{len(near)}\n"
        for other in near:
            cost = round(float(np.hypot(*np.subtract(pixels[name], pixels[other]))))
            text += f"{names.index(other)}\nN\n{cost}\n"
    return text


def _routes() -> dict[str, Any]:
    names, features = list(WAYPOINTS), list[Any]()
    for i, name in enumerate(names):
        point = {"type": "Point", "coordinates": WAYPOINTS[name]}
        features.append({"type": "Feature", "properties": {"id": i}, "geometry": point})
    for number, (a, b) in enumerate([*WAYS, *((b, a) for a, b in WAYS)], 10):
        line = {"type": "LineString", "coordinates": [WAYPOINTS[a], WAYPOINTS[b]]}
        ends = {"id": number, "startid": names.index(a), "endid": names.index(b), "cost": 3.5}
        features.append({"type": "Feature", "properties": ends, "geometry": line})
    return {"type": "FeatureCollection", "features": features}


def _building() -> dict[str, Any]:
    """Two levels of Open-RMF that are alike, with a lift between them."""
    lift = {"x": 120, "y": -40, "yaw": 0, "width": 2, "depth": 2, "reference_floor_name": "L1"}
    lift |= {"level_doors": {"L1": ["door1"], "L2": ["door1"]}, "doors": {}}
    levels = {"L1": _storey(), "L2": _storey()}
    return {"name": "house", "reference_level_name": "L1", "levels": levels, "lifts": {"lift": lift}}


def _storey() -> dict[str, Any]:
    points = [*WAYPOINTS.values(), *(point for line in (*WALLS, DOOR) for point in line)]
    names = [*WAYPOINTS, *[""] * (len(points) - len(WAYPOINTS))]
    vertices = [[x / 0.05, -y / 0.05, 0, name, {}] for (x, y), name in zip(points, names, strict=True)]
    index, first = list(WAYPOINTS), len(WAYPOINTS)
    lines = [[first + 2 * i, first + 2 * i + 1, {}] for i in range(len(WALLS) + 1)]
    lanes = [[index.index(a), index.index(b), {"bidirectional": [4, True]}] for a, b in WAYS]
    return {
        "vertices": vertices,
        "walls": lines[:-1],
        "doors": [[*lines[-1][:2], {"name": [1, "gap"], "type": [1, "hinged"]}]],
        "lanes": lanes,
        "measurements": [[first, first + 1, {"distance": [3, 8.0]}]],
        "fiducials": [[0, 0, "a"], [160, 0, "b"], [0, -140, "c"]],
        "floors": [{"vertices": [first + 2 * i for i in range(4)], "parameters": {}}],
        "drawing": {"filename": "flat.png"},
        "elevation": 0,
    }
