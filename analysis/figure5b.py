"""``python -m analysis.figure5b RECORDING``: the paper's Fig. 5b, how many neighbours agents have over time.

The recording must be of level ``step``, as ``python -m cmarlsim.run`` makes it; or ``--run``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.paper_figure import PaperFigure, command_of
from analysis.recordings import check_panels
from analysis.style import DOUBLE, agent_look, new_figure
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.terminal.console import command

STEPS = 1000
"""Length of the snapshot at the end of the run."""


def tabulate(recording: Recording) -> pd.DataFrame:
    """One row a step and agent of the last `STEPS` steps: step, agent, neighbours.

    Raises
    ------
    InputError
        If there are too many agents for a panel each.
    """
    check_panels(recording)
    first = max(0, recording.steps - STEPS)
    sizes = recording.links(first).sum(axis=2)
    step, agent = np.indices(sizes.shape)
    return pd.DataFrame({"step": first + step.ravel(), "agent": agent.ravel(), "neighbours": sizes.ravel()})


def draw(table: pd.DataFrame, scenario: Scenario) -> Figure:
    """Draw the number of neighbours of every agent during the last 1,000 steps."""
    agents = scenario.agents.N
    figure = new_figure(DOUBLE, 0.6 + 0.5 * agents)
    strips = figure.subplots(agents, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for (n, mine), axes in zip(table.groupby("agent"), strips, strict=True):
        ink = agent_look(int(n))["color"]
        axes.fill_between(mine["step"], mine["neighbours"], step="post", color=ink, alpha=0.25, linewidth=0)
        axes.step(mine["step"], mine["neighbours"], where="post", color=ink, linewidth=0.7)
        axes.set_ylabel(f"agent {n}", rotation=0, ha="right", va="center", color=ink)
        axes.grid(axis="y", linewidth=0.3, color="0.8")
    strips[0].set_ylim(0, agents - 0.5)
    strips[0].set_yticks(range(0, agents, max(1, agents // 4) if agents > 5 else 2))
    strips[-1].set_xlim(table["step"].min(), table["step"].max())
    strips[-1].set_xlabel("step t")
    figure.supylabel("number of neighbours", fontsize=8)
    return figure


FIGURE = PaperFigure("figure5b", "one run", "step", tabulate, draw)

if __name__ == "__main__":
    command(command_of(FIGURE))
