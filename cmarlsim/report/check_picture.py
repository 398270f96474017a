"""The picture of a check: the floor plan with a numbered mark for each finding, and their list beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.plan_problems import FARTHEST
from cmarlsim.errors import Finding, one_line
from cmarlsim.kernels.world import Floats
from cmarlsim.report.picture import colour, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHADES = {"error": "#c00000", "warning": "#e07000", "hint": "#1f5fb4"}
"""Colours of marks, by the kind of finding."""

PLAN_WIDTH, LIST_WIDTH, MARGIN = 9.0, 5.5, 0.45
"""Inches that plan and list may take, and between them."""

LOWEST, HIGHEST = 3.0, 14.0
"""Inches from bottom to top."""

LINE, CHARACTERS = 0.125, 98
"""Inches from one line of the list to the next, and characters that it takes."""

LONGEST = 400
"""Characters of a finding in the list."""

RADIUS = 6.5
"""Of a mark, in points."""


def draw_check(
    name: str, findings: Sequence[Finding], plan: FloorPlan, zones: Mapping[str, Floats], path: Path
) -> None:
    """Draw findings on a floor plan, and write the picture as a PNG file.

    Parameters
    ----------
    plan
        Whatever could be read of it: where tables are wrong, they are left out.
    zones
        Corners (n, 2) by name.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    low, high = _frame(plan, zones, findings)
    scale = min(PLAN_WIDTH / (high[0] - low[0]), (HIGHEST - 2 * MARGIN) / (high[1] - low[1]))
    width, height = scale * (high - low)
    lines, listed = _lines(findings, int((HIGHEST - 3 * MARGIN) / LINE))
    tall = max(height, LINE * len(lines) + MARGIN, LOWEST) + 2 * MARGIN
    wide = width + LIST_WIDTH + 3 * MARGIN
    figure = Figure((wide, tall), dpi=130)
    FigureCanvasAgg(figure)
    box = (MARGIN / wide, (tall - MARGIN - height) / tall, width / wide, height / tall)
    axes = figure.add_axes(box, aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.tick_params(labelsize=6)
    axes.set_title(plain(one_line(name, 80)), fontsize=9, loc="left")
    _draw_plan(axes, plan, zones)
    frame = np.stack([low, high])
    _draw_shapes(axes, findings, frame)
    _draw_marks(axes, findings[:listed], frame, 72 * scale)
    for i, (text, shade) in enumerate(lines):
        place = ((width + 2 * MARGIN) / wide, 1 - (MARGIN + LINE * (i + 0.5)) / tall)
        figure.text(*place, plain(text), color=shade, fontsize=6.5, va="center", family="monospace")
    figure.savefig(path, format="png")


def _near(points: Any) -> Floats:
    """Points (n, 2) without those that are farther off than a plan can be."""
    array = np.array(points, dtype=np.float64).reshape(-1, 2)
    return array[(np.abs(array) <= FARTHEST).all(axis=1)]


def _frame(plan: FloorPlan, zones: Mapping[str, Floats], findings: Sequence[Finding]) -> Floats:
    """Corners (2, 2) of what the picture shows: x and y of the lower left one and of the upper right one."""
    parts: list[Any] = [wall.points for wall in plan.walls]
    parts += [room.polygon for room in plan.rooms] + [waypoint.position for waypoint in plan.waypoints]
    parts += [shape for finding in findings for shape in finding.where] + [
        *_tiles(plan),
        *zones.values(),
        (0, 0),
    ]
    points = np.concatenate([_near(part) for part in parts])
    if len(points) > 1:
        points = points[:-1]  # the origin, in case that there is nothing else
    most = np.quantile(points, (0.1, 0.9), axis=0)
    reach = max(float((most[1] - most[0]).max()), 1.0)
    points = points[((points >= most[0] - reach) & (points <= most[1] + reach)).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    slack = 0.03 * max(float((high - low).max()), 1.0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2 + slack, 0.1 * (high - low).max())
    return np.stack([middle - half, middle + half])


def _tiles(plan: FloorPlan) -> list[Floats]:
    return [_near(tile.outline) for tile in plan.tiles] if isinstance(plan.tiles, tuple) else []


def _lines(findings: Sequence[Finding], most: int) -> tuple[list[tuple[str, str]], int]:
    """The list in lines with their colours, at most so many, and how many findings it has."""
    lines: list[tuple[str, str]] = []
    for number, finding in enumerate(findings, 1):
        text = f"{number:>3} {finding.kind}: {one_line(str(finding), LONGEST)}"
        wrapped = textwrap.wrap(text, CHARACTERS, subsequent_indent="    ", break_on_hyphens=False)
        if len(lines) + len(wrapped) > most - 1:
            return [*lines, (f"    and {len(findings) - number + 1} more", "black")], number - 1
        lines += [(line, SHADES[finding.kind]) for line in wrapped]
    return lines or [("nothing was found", "black")], len(findings)


def _draw_plan(axes: Axes, plan: FloorPlan, zones: Mapping[str, Floats]) -> None:
    """Draw what there is: levels, tiles, rooms, walls, doors, edges and zones."""
    from matplotlib.collections import LineCollection, PolyCollection

    def lines(points: Sequence[Any], **looks: Any) -> None:
        axes.add_collection(LineCollection([_near(each) for each in points], **looks))

    def shapes(points: Sequence[Any], **looks: Any) -> None:
        axes.add_collection(PolyCollection([_near(each) for each in points], **looks))

    levels = [level.rectangle for level in plan.levels]
    shapes([[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in levels], facecolor="none", edgecolor="0.8")
    shapes(_tiles(plan), facecolor="0.94", edgecolor="white")
    shapes([room.polygon for room in plan.rooms], facecolor="0.94", edgecolor="0.75", linewidth=0.5)
    for m, outline in enumerate(zones.values()):
        shapes([outline], facecolor=colour(m), edgecolor=colour(m), alpha=0.25)
    at = {waypoint.name: waypoint.position for waypoint in plan.waypoints}
    ends = [[at[name] for name in edge.ends] for edge in plan.edges if all(name in at for name in edge.ends)]
    lines(ends, colors="0.55", linewidths=0.6, linestyles=":")
    lines([wall.points for wall in plan.walls], colors="black", linewidths=1.1)
    lines([door.points for door in plan.doors], colors="#8a6d00", linewidths=1.6)
    dots = _near(list(at.values()))
    axes.scatter(dots[:, 0], dots[:, 1], s=3, color="0.4", linewidths=0)


def _draw_shapes(axes: Axes, findings: Sequence[Finding], frame: Floats) -> None:
    """Draw what findings are about in the colours of their kinds."""
    for finding in findings:
        looks: Any = {"color": SHADES[finding.kind], "alpha": 0.5, "zorder": 5}
        for shape in _shapes(finding, frame):
            axes.plot(*shape.T, linewidth=3, marker="o", markersize=3, markeredgewidth=0, **looks)


def _shapes(finding: Finding, frame: Floats) -> list[Floats]:
    """Where a finding is, moved to the frame where it is outside."""
    shapes = [np.clip(_near(shape), *frame) for shape in finding.where]
    return [shape for shape in shapes if len(shape)]


def _draw_marks(axes: Axes, findings: Sequence[Finding], frame: Floats, points: float) -> None:
    """Draw the numbers of findings where these are; a metre is `points` long."""
    taken: list[Floats] = []
    for number, finding in enumerate(findings, 1):
        shapes, shade = _shapes(finding, frame), SHADES[finding.kind]
        if not shapes:
            continue
        at = shapes[0][:2].mean(axis=0)
        place = _free(at * points, taken)
        taken.append(place)
        axes.plot(*np.stack([at, place / points]).T, color=shade, linewidth=0.7, zorder=6)
        box: Any = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": shade, "linewidth": 1}
        looks: Any = {"fontsize": 5.5, "color": shade, "ha": "center", "va": "center", "zorder": 7}
        axes.text(float(place[0]) / points, float(place[1]) / points, str(number), bbox=box, **looks)


def _free(at: Floats, taken: Sequence[Floats]) -> Floats:
    """The nearest place to `at`, in points of print, where a mark touches no other one."""
    others = np.array(taken).reshape(-1, 2)
    k = np.arange(4000)
    spiral = at + RADIUS * np.sqrt(k)[:, None] * np.stack([np.cos(2.4 * k), np.sin(2.4 * k)], axis=1)
    apart = np.hypot(*(spiral[:, None] - others).T).min(axis=0, initial=np.inf)
    return spiral[int((apart > 2 * RADIUS).argmax())]
