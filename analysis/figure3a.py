"""``python -m analysis.figure3a RECORDING``: the paper's Fig. 3a, the floor plan and sample trajectories.

The recording must be of level ``step``, as ``python -m cmarlsim.run`` makes it; or ``--run``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.paper_figure import PaperFigure, command_of
from analysis.style import DOUBLE, agent_look, new_figure
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.building import draw_floorplan
from cmarlsim.report.picture import COLOURS, colour, plain
from cmarlsim.report.placing import Label, place_labels
from cmarlsim.report.plan import halo
from cmarlsim.scenario import Scenario
from cmarlsim.terminal.console import command

ROLLOUTS = 3
"""Length of the trajectories."""

_SIDE = 0.16
"""Metres between the lines of two agents that walk the same way."""


def tabulate(recording: Recording) -> pd.DataFrame:
    """One row a step and agent: step, agent, x, y in metres.

    Of all spells of `ROLLOUTS` rollouts it is the one in which the agent that walks least walks farthest.
    """
    N, T0 = recording.scenario.agents.N, recording.scenario.dual.T0
    length = T0 * min(ROLLOUTS, recording.rollouts_done)
    position = recording.position
    position = position[: len(position) // length * length].reshape(-1, length, N, 2)
    walked = np.linalg.norm(np.diff(position, axis=1), axis=-1).sum(axis=1)  # (spells, N) metres
    spell = int(walked.min(axis=1).argmax())
    x, y = position[spell].reshape(-1, 2).T
    step, agent = np.indices((length, N)).reshape(2, -1)
    return pd.DataFrame({"step": spell * length + step, "agent": agent, "x": x, "y": y})


def draw(table: pd.DataFrame, scenario: Scenario) -> Figure:
    """Draw the floor plan and every agent's trajectory, side by side where agents walk the same way."""
    figure = new_figure(DOUBLE, 3.7)
    axes = figure.subplots()
    draw_floorplan(axes, scenario)
    outlines, numbered = scenario.zone_outlines(), len(COLOURS) < scenario.M
    named = [] if numbered else zip(scenario.zones, outlines, strict=True)
    for m, (zone, outline) in enumerate(named):
        above = (scenario.zone_centers[m, 0], outline[:, 1].max() + 0.2)
        axes.annotate(plain(zone.name), above, ha="center", va="bottom", color=colour(m), fontsize=7)
    for n, path in table.groupby("agent"):
        aside = _SIDE * (int(n) - (scenario.agents.N - 1) / 2)
        look = agent_look(int(n)) | {"markersize": 2.2, "linewidth": 0.6}
        axes.plot(path["x"] + aside, path["y"] - aside, label=f"agent {n}", **look)
    title = f"a dot a step, steps {table['step'].min()} to {table['step'].max()}"
    figure.legend(loc="outside lower center", ncols=min(scenario.agents.N, 8), markerscale=1.5, title=title)
    if numbered:
        boxes = [(*outline.min(axis=0), *outline.max(axis=0)) for outline in outlines]
        figure.draw_without_rendering()
        look = {"fontsize": 6, "path_effects": halo(), "zorder": 5}
        place_labels(axes, [Label(str(m), box, True, look) for m, box in enumerate(boxes)])
    return figure


FIGURE = PaperFigure("figure3a", "one run", "step", tabulate, draw)

if __name__ == "__main__":
    command(command_of(FIGURE))
