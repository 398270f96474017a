"""A building on paper: levels, tiles, rooms, walls, doors, ways and zones, in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.report.picture import colour, plain, shortened
from cmarlsim.report.placing import Label
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIFT, DOOR = "#8030b0", "#b07030"
LONGEST_LEVEL = 24
"""Most characters of a level's name."""

WORTH = 1.25
"""Levels are arranged anew where they become so many times as large."""

GAP = 1.12
"""Width and height of the room for a level, beside those of the largest."""


class Paper:
    """Where a building's points are drawn: levels are arranged anew where that makes them much larger.

    Parameters
    ----------
    width, height
        Of the room for the plan, in inches.

    Attributes
    ----------
    size : (2,) array
        Metres from left to right, and from bottom to top, of what is drawn.
    scale : float
        About how large a metre is drawn, in points of print.
    arranged : bool
        Whether levels do not lie where the plan says.
    """

    def __init__(self, scenario: Scenario, width: float, height: float) -> None:
        self.scenario, room = scenario, np.array([width, height])
        plan = scenario.floorplan
        boxes = np.array([plan.bounds(), *(level.rectangle for level in plan.levels)])
        self.size: Floats = boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)
        self.scale, self.arranged = float((room / self.size).min()), False
        levels = boxes[1:]
        self._shift = np.zeros((len(levels) + 1, 2))  # the last is that of points on no level
        cell = (levels[:, 2:] - levels[:, :2]).max(axis=0, initial=0.0) * GAP
        for columns in range(1, len(levels) + 1):
            rows = -(-len(levels) // columns)
            size = cell * (columns, rows)
            if (room / size).min() > WORTH * self.scale or (
                self.arranged and (room / size).min() > self.scale
            ):
                self.size, self.scale, self.arranged = size, float((room / size).min()), True
                row, column = np.divmod(np.arange(len(levels)), columns)
                corners = np.column_stack([column * cell[0], (rows - 1 - row) * cell[1]])
                self._shift[:-1] = corners - levels[:, :2]
        self.scale *= 72

    def moved(self, points: Floats) -> Floats:
        """Where points (n, 2) in metres are drawn."""
        if not self.arranged:
            return points
        return points + self._shift[self.scenario.floorplan.level_of(points)]

    def outlines(self) -> list[Floats]:
        """Where the zones' outlines are drawn."""
        return [self.moved(outline) for outline in self.scenario.zone_outlines()]


def draw_floorplan(axes: Axes, scenario: Scenario, width: float = 1.5, paper: Paper | None = None) -> None:
    """Draw all of the building, with walls `width` points wide, and the zones in their colours."""
    from matplotlib.collections import LineCollection, PolyCollection

    plan, paper = scenario.floorplan, paper or Paper(scenario, 1.0, 1.0)
    rooms = [paper.moved(np.array(room.polygon)) for room in plan.rooms]
    tiled = plan.tiles not in ("rooms", "waypoints")
    grounds = [paper.moved(outline) for outline in plan.tile_outlines()] if tiled else rooms
    axes.add_collection(PolyCollection(grounds, facecolors="0.93", edgecolors="white", zorder=1))
    if tiled:
        look: Any = {"facecolors": "none", "edgecolors": "0.6", "linewidths": 0.4, "zorder": 1.5}
        axes.add_collection(PolyCollection(rooms, **look))
    ends = paper.moved(plan.waypoint_positions())[plan.edge_indices()]
    lifts = np.array([edge.lift is not None for edge in plan.edges], dtype=np.bool_)
    axes.add_collection(LineCollection(list(ends[~lifts]), colors="0.75", linewidths=0.8, linestyles=":"))
    _draw_arrows(axes, ends[np.array([edge.one_way for edge in plan.edges], dtype=np.bool_) & ~lifts])
    _draw_lifts(axes, ends[lifts])
    colours = [colour(m) for m in range(scenario.M)]
    axes.add_collection(PolyCollection(paper.outlines(), facecolors=colours, alpha=0.35, linewidths=0))
    draw_walls(axes, scenario, width, paper)
    _draw_levels(axes, paper)
    axes.autoscale_view()
    if paper.arranged:
        axes.set(xticks=[], yticks=[], xlabel="levels side by side, to the same scale")
    else:
        axes.set(xlabel="x (m)", ylabel="y (m)")


def draw_walls(axes: Axes, scenario: Scenario, width: float = 1.5, paper: Paper | None = None) -> None:
    """Draw the walls, `width` points wide, the doors and the zones' borders, to scale."""
    from matplotlib.collections import LineCollection, PolyCollection

    plan, paper = scenario.floorplan, paper or Paper(scenario, 1.0, 1.0)
    walls, doors = (
        [paper.moved(np.array(line.points)) for line in lines] for lines in (plan.walls, plan.doors)
    )
    axes.add_collection(LineCollection(walls, colors="black", linewidths=width, zorder=2))
    axes.add_collection(LineCollection(doors, colors=DOOR, linewidths=0.7 * width, zorder=2))
    look: Any = {"facecolors": "none", "edgecolors": [colour(m) for m in range(scenario.M)]}
    axes.add_collection(PolyCollection(paper.outlines(), linewidths=width / 2, zorder=2, **look))
    axes.set_aspect("equal")


def level_labels(paper: Paper, size: float) -> list[Label]:
    """Names of the levels, above them where there is room, in print of this size."""
    look = {"fontsize": size, "style": "italic", "color": "0.35", "zorder": 6}
    labels = []
    for level in paper.scenario.floorplan.levels:
        (left, _), (right, top) = paper.moved(np.reshape(level.rectangle, (2, 2)))
        labels.append(
            Label(plain(shortened(level.name, LONGEST_LEVEL)), (left, top, right, top), False, look)
        )
    return labels


def _draw_arrows(axes: Axes, ends: np.ndarray) -> None:
    """Draw which way one-way edges (n, 2, 2) lead."""
    if not len(ends):
        return
    along = ends[:, 1] - ends[:, 0]
    along /= np.maximum(np.hypot(*along.T)[:, None], 1e-9)
    head: Any = {"headwidth": 5, "headlength": 5, "headaxislength": 5, "width": 0.6, "units": "dots"}
    look: Any = {"color": "0.6", "pivot": "middle", "angles": "xy", "scale": 0.2, "zorder": 1.8}
    axes.quiver(*ends.mean(axis=1).T, *along.T, **head, **look)


def _draw_lifts(axes: Axes, ends: np.ndarray) -> None:
    """Draw lifts (n, 2, 2): doors as squares, and lines that join them."""
    from matplotlib.collections import LineCollection

    if len(ends):
        look: Any = {"colors": LIFT, "linewidths": 0.7, "linestyles": "-.", "zorder": 1.9}
        axes.add_collection(LineCollection(list(ends), **look))
        x, y = ends.reshape(-1, 2).T
        axes.scatter(x, y, s=9, marker="s", color=LIFT, linewidths=0, zorder=2.1)


def _draw_levels(axes: Axes, paper: Paper) -> None:
    from matplotlib.patches import Rectangle

    for level in paper.scenario.floorplan.levels:
        (x, y), (right, top) = paper.moved(np.reshape(level.rectangle, (2, 2)))
        look: Any = {"fill": False, "edgecolor": "0.7", "linewidth": 0.5, "linestyle": "--", "zorder": 0.5}
        axes.add_patch(Rectangle((x, y), right - x, top - y, **look))
