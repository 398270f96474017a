"""``python -m analysis.figure3bf RECORDING``: the paper's Fig. 3b to 3f, where each agent is and how often.

The recording must be of level ``step``, as ``python -m cmarlsim.run`` makes it; or ``--run``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from analysis.paper_figure import PaperFigure, command_of
from analysis.recordings import check_panels
from analysis.style import DOUBLE, SHADES, new_figure
from cmarlsim.kernels.world import TOLERANCE
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.building import draw_walls
from cmarlsim.scenario import Scenario
from cmarlsim.terminal.console import command

SIDE = 0.25
"""Side of a square bin in metres."""


def grid(scenario: Scenario) -> tuple[int, int, int, int]:
    """Box of the bins, left, bottom, right, top in whole metres: from the origin round all tiles.

    For the paper's scenario (0, 0, 30, 14), which are 120 x 56 bins.
    """
    boxes = scenario.floorplan.tile_boxes()
    left, bottom = np.floor(np.minimum(boxes[:, :2].min(axis=0), 0)).astype(int)
    right, top = np.ceil(boxes[:, 2:].max(axis=0) - TOLERANCE).astype(int)
    return int(left), int(bottom), int(right), int(top)


def tabulate(recording: Recording) -> pd.DataFrame:
    """One row an agent and bin where it ever is: agent, x, y (lower left corner, metres), steps in it.

    A place on the border of bins belongs to the upper right one, at the edge of the box to the last one.

    Raises
    ------
    InputError
        If there are too many agents for a panel each.
    """
    check_panels(recording)
    left, bottom, right, top = grid(recording.scenario)
    corner, bins = np.array([left, bottom]), np.array([right - left, top - bottom]) * round(1 / SIDE)
    cell = np.floor((recording.position - corner + TOLERANCE) / SIDE).astype(np.int64)  # (T, N, 2)
    cell = np.clip(cell, 0, bins - 1)
    tables = []
    for n in range(cell.shape[1]):
        found, steps = np.unique(cell[:, n], axis=0, return_counts=True)
        x, y = (corner + SIDE * found).T
        tables.append(pd.DataFrame({"agent": n, "x": x, "y": y, "steps": steps}))
    return pd.concat(tables, ignore_index=True)


def counts(table: pd.DataFrame, scenario: Scenario, agent: int) -> np.ndarray:
    """Steps of an agent in every bin, (bins along y, bins along x)."""
    left, bottom, right, top = grid(scenario)
    image = np.zeros((round((top - bottom) / SIDE), round((right - left) / SIDE)), dtype=np.int64)
    mine = table[table["agent"] == agent]
    column, row = ((mine[axis] - low) / SIDE for axis, low in (("x", left), ("y", bottom)))
    image[row.round().astype(int), column.round().astype(int)] = mine["steps"]
    return image


def draw(table: pd.DataFrame, scenario: Scenario) -> Figure:
    """Draw a map of how often each agent is where; bins where it never is stay white."""
    N, columns = scenario.agents.N, min(2, scenario.agents.N)
    rows = -(-N // columns)
    left, bottom, right, top = grid(scenario)
    figure = new_figure(DOUBLE, 0.5 + 1.6 * rows)
    panels = np.ravel(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False))
    shades = LogNorm(1, table["steps"].max())
    for n, axes in enumerate(panels[:N]):
        image = np.ma.masked_equal(counts(table, scenario, n), 0)
        picture = axes.imshow(
            image, extent=(left, right, bottom, top), origin="lower", cmap=SHADES, norm=shades
        )
        draw_walls(axes, scenario, width=0.7)
        axes.set_title(f"agent {n}")
        axes.yaxis.set_major_locator(MultipleLocator(5))
    for axes in panels[N:]:
        axes.set_visible(False)
    figure.colorbar(picture, ax=panels.tolist(), label=f"steps in a bin of {SIDE:g} m", shrink=0.6)
    figure.supxlabel("x (m)", fontsize=8)
    figure.supylabel("y (m)", fontsize=8)
    return figure


FIGURE = PaperFigure("figure3bf", "one run", "step", tabulate, draw)

if __name__ == "__main__":
    command(command_of(FIGURE))
