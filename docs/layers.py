"""The floors of `cmarlsim` in one picture: packages by the layers of the import contract, and their imports.

Layers come from ``pyproject.toml``, arrows from the imports themselves. An arrow is left out where others
lead the same way: if A imports B and B imports C, that A imports C as well is not drawn. Small files that
import nothing, such as `errors`, are there for everybody and have no arrows.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cmarlsim"
WIDTH, ROW, BOX = 7.16, 0.6, 0.24
"""Inches of the picture from left to right, and of a layer and of a box from bottom to top."""

SWEEPS = 20
"""How often boxes are moved towards those that they have arrows from and to."""

COMMANDS, LIBRARY = "#e8eef7", "#f3f3f3"
"""Colours of the commands, which are the two highest layers, and of the library."""

Edge = tuple[str, str]


def layers() -> list[list[str]]:
    """Names in each layer, from the highest to the lowest."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    lines = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip(" ()") for name in line.replace(":", "|").split("|")] for line in lines]


def imported(path: Path) -> Iterator[str]:
    """What a file imports of `cmarlsim`, as names of its packages and modules."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "cmarlsim":
            yield from (name.name for name in node.names)
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] for name in names if name.startswith("cmarlsim."))


def edges() -> set[Edge]:
    """Who imports whom, among the names in `layers`."""
    known = {name for layer in layers() for name in layer}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        mine = path.relative_to(PACKAGE).with_suffix("").parts[0]
        found |= {(mine, other) for other in imported(path) if other != mine}
    return {(a, b) for a, b in found if a in known and b in known}


def reduced(every: set[Edge]) -> set[Edge]:
    """The edges of a graph without cycles that no other way replaces."""
    below: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in below:
            nexts = {b for a, b in every if a == name}
            below[name] = nexts.union(*(reach(each) for each in nexts))
        return below[name]

    def replaced(a: str, b: str) -> bool:
        return any(b in reach(other) for start, other in every if start == a and other != b)

    return {(a, b) for a, b in every if not replaced(a, b)}


def arrows() -> list[Edge]:
    """The edges that are drawn, from the importing to the imported."""
    every = edges()
    busy = {a for a, _ in every}
    small = {name for name in {b for _, b in every} - busy if (PACKAGE / f"{name}.py").is_file()}
    return sorted(reduced({(a, b) for a, b in every if b not in small}))


def fingerprint() -> str:
    """Hash of what the picture shows and of this script."""
    shown = repr((layers(), arrows())) + Path(__file__).read_text("utf-8")
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def places(floors: list[list[str]], lines: list[Edge]) -> dict[str, float]:
    """Where each box has its middle, from left to right, in inches."""
    near = defaultdict(list)
    for a, b in lines:
        near[a].append(b)
        near[b].append(a)
    x = {name: WIDTH * (i + 0.5) / len(row) for row in floors for i, name in enumerate(row)}
    for _ in range(SWEEPS):
        for row in floors:
            wanted = {name: sum(x[other] for other in near[name]) / max(len(near[name]), 1) for name in row}
            order = sorted(row, key=lambda name: (wanted[name], name))
            if len(row) == 1:
                x[row[0]] = min(max(wanted[row[0]], 1.0), WIDTH - 1.0)
            else:
                x |= {name: WIDTH * (i + 0.5) / len(row) for i, name in enumerate(order)}
    return x


def draw(path: Path) -> None:
    """Draw the picture."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    floors, lines = layers(), arrows()
    x = places(floors, lines)
    y = {name: ROW * (i + 0.5) for i, row in enumerate(floors) for name in row}
    figure = Figure((WIDTH, ROW * len(floors)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(ROW * len(floors), 0))
    axes.axis("off")
    shades = [COMMANDS] * 2 + [LIBRARY] * (len(floors) - 2)
    for row, shade in zip(floors, shades, strict=True):
        for name in row:
            wide = 0.07 * len(name) + 0.1
            corner = (x[name] - wide / 2, y[name] - BOX / 2 + 0.04)
            look: dict[str, Any] = {
                "boxstyle": "round,pad=0.04",
                "facecolor": shade,
                "edgecolor": "0.3",
                "zorder": 3,
            }
            axes.add_patch(FancyBboxPatch(corner, wide, BOX - 0.08, **look))
            axes.text(x[name], y[name], name, ha="center", va="center", fontsize=8, zorder=4)
    for a, b in lines:
        ends = (x[a], y[a] + BOX / 2), (x[b], y[b] - BOX / 2)
        line: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 7, "linewidth": 0.7, "shrinkB": 0}
        axes.add_patch(FancyArrowPatch(*ends, **line, color="#4a6a94", zorder=2))
    figure.savefig(path, dpi=200)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
