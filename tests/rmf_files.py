"""Files of Open-RMF's traffic editor that are made from what is known in metres."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Frame(NamedTuple):
    """How the drawing of a level lies: metres a pixel, how far it is turned, and its origin in metres."""

    scale: float = 0.05
    turn: float = 0.0
    origin: tuple[float, float] = (0.0, 0.0)

    def pixels(self, metres: Sequence[float]) -> list[float]:
        """A point in pixels, with y downwards."""
        x, y = np.subtract(metres, self.origin)
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return [(cos * x + sin * y) / self.scale, -(cos * y - sin * x) / self.scale]


UPRIGHT = Frame()
Points = Mapping[str, tuple[float, float]]
"""Vertices by name, in metres; names that begin with ``_`` are not in the file."""


def level(
    points: Points,
    walls: Sequence[tuple[str, str]] = (),
    doors: Sequence[tuple[str, str, str]] = (),
    lanes: Sequence[tuple[str, str, bool]] = (),
    frame: Frame = UPRIGHT,
    **more: Any,
) -> dict[str, Any]:
    """A level; a lane goes both ways if it says so. All its distances between neighbours are measured."""
    index = {name: i for i, name in enumerate(points)}
    pixels = {name: frame.pixels(point) for name, point in points.items()}
    parameters = more.pop("parameters", {})
    vertices = [
        [*pixels[name], 0, "" if name.startswith("_") else name, parameters.get(name, {})] for name in points
    ]
    a, b = list(points)[:2]
    distance = {"distance": [3, math.dist(points[a], points[b])]}
    return {
        "vertices": vertices,
        "walls": [[index[a], index[b], {}] for a, b in walls],
        "doors": [[index[a], index[b], {"name": [1, name]}] for a, b, name in doors],
        "lanes": [
            [index[a], index[b], {"bidirectional": [4, both], "graph_idx": [2, 0]}] for a, b, both in lanes
        ],
        "measurements": [[index[a], index[b], distance]],
        **more,
    }


def written(path: Path, levels: Mapping[str, Any], **more: Any) -> Path:
    """Write a building; JSON is YAML."""
    data = {"name": "made", "levels": dict(levels), "lifts": {}, **more}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def corridor(rooms: int, doors: bool = True) -> dict[str, Any]:
    """A level of rooms of 4 m x 5 m along both sides of a corridor of 2 m, each with a door of 1 m.

    Room k below has the vertex ``low k`` in its middle, above ``high k``; in the corridor is ``hall k``.
    """
    points: dict[str, tuple[float, float]] = {}
    walls, openings, lanes = [], [], []
    for name, base, far in (("low", 0.0, -5.0), ("high", 2.0, 7.0)):
        for k in range(rooms):
            left, right = 4.0 * k, 4.0 * (k + 1)
            for x in (left, left + 1.5, left + 2.5, right):
                points[f"_{name} {x}"] = (x, base)
            for x in (left, right):
                points[f"_{name} far {x}"] = (x, far)
            points[f"{name} {k}"] = (left + 2.0, (base + far) / 2)
            points[f"hall {k}"] = (left + 2.0, 1.0)
            walls += [
                (f"_{name} {left}", f"_{name} {left + 1.5}"),
                (f"_{name} {left + 2.5}", f"_{name} {right}"),
            ]
            walls += [(f"_{name} far {left}", f"_{name} far {right}")]
            walls += [(f"_{name} {x}", f"_{name} far {x}") for x in ([left, right] if k == 0 else [right])]
            openings += [(f"_{name} {left + 1.5}", f"_{name} {left + 2.5}", f"door {name} {k}")]
            lanes += [(f"{name} {k}", f"hall {k}", True)]
    walls += [("_low 0.0", "_high 0.0"), (f"_low {4.0 * rooms}", f"_high {4.0 * rooms}")]
    lanes += [(f"hall {k}", f"hall {k + 1}", True) for k in range(rooms - 1)]
    return level(points, walls, openings if doors else (), lanes)


def room_of(name: str, k: int) -> list[tuple[float, float]]:
    """Outline of a room of `corridor`."""
    low, high = (-5.0, 0.0) if name == "low" else (2.0, 7.0)
    return [(4.0 * k, low), (4.0 * k + 4, low), (4.0 * k + 4, high), (4.0 * k, high)]
