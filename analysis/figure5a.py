"""``python -m analysis.figure5a RECORDINGS``: the paper's Fig. 5a, how often each pair of agents can talk.

Recordings must be of level ``step``, as ``python -m cmarlsim.run`` makes them; or ``--run``. Of several the
mean is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.paper_figure import PaperFigure, command_of
from analysis.style import SHADES, SINGLE, new_figure
from cmarlsim.footprints.footprint import linked
from cmarlsim.recordings.recording import Recording
from cmarlsim.terminal.console import command

_MOST_NUMBERS = 12
"""Largest team whose frequencies are written into the matrix."""


def tabulate(recordings: Sequence[Recording]) -> pd.DataFrame:
    """One row a run and ordered pair of different agents: seed, agent, other, frequency."""
    tables = []
    for recording in recordings:
        frequency = linked(recording)
        agent, other = np.nonzero(~np.eye(len(frequency), dtype=bool))
        values = {"agent": agent, "other": other, "frequency": frequency[agent, other]}
        tables.append(pd.DataFrame({"seed": recording.seed} | values))
    return pd.concat(tables, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the matrix of how often two agents can talk; pairs that never do are white."""
    matrix = table.pivot_table(index="agent", columns="other", values="frequency", aggfunc="mean").to_numpy()
    figure = new_figure(SINGLE, 2.8)
    axes = figure.subplots()
    shown = np.ma.masked_where(~(matrix > 0), matrix)
    image = axes.imshow(shown, cmap=SHADES, vmin=0, vmax=1)
    if len(matrix) <= _MOST_NUMBERS:
        for (n, other), value in np.ndenumerate(matrix):
            if value > 0:
                text, ink = f"{value:.2f}" if value >= 0.005 else "<.01", "white" if value > 0.5 else "black"
                axes.text(other, n, text, ha="center", va="center", color=ink, fontsize=7)
        axes.set_xticks(range(len(matrix)))
        axes.set_yticks(range(len(matrix)))
    else:
        axes.locator_params(integer=True)
    axes.set_xlabel("agent")
    axes.set_ylabel("agent")
    runs = table["seed"].nunique()
    figure.colorbar(image, label="fraction of steps linked" + (f", mean of {runs} runs" if runs > 1 else ""))
    return figure


FIGURE = PaperFigure("figure5a", "runs", "step", tabulate, draw)

if __name__ == "__main__":
    command(command_of(FIGURE))
