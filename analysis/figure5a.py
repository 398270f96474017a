"""``python -m analysis.figure5a RECORDINGS``: the paper's Fig. 5a, how often each pair of agents can talk.

Recordings must be of level ``step``, as ``python -m cmarlsim.run`` makes them; or ``--run``. Of several the
mean is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.measures import link_frequencies
from analysis.options import OUT, RUNS, Force, Out, Recordings, Run, Runs
from analysis.recordings import obtain
from analysis.style import SHADES, SINGLE, free_stem, new_figure, save, styled
from cmarlsim.recordings.recording import Recording
from cmarlsim.terminal.console import command

NAME, LEVEL = "figure5a", "step"

_MOST_NUMBERS = 12
"""Up to so many agents, frequencies are written into the matrix."""


def tabulate(recordings: Sequence[Recording]) -> pd.DataFrame:
    """One row a run and ordered pair of different agents: seed, agent, other, frequency."""
    tables = []
    for recording in recordings:
        frequency = link_frequencies(recording)
        agent, other = np.nonzero(~np.eye(len(frequency), dtype=bool))
        values = {"agent": agent, "other": other, "frequency": frequency[agent, other]}
        tables.append(pd.DataFrame({"seed": recording.seed} | values))
    return pd.concat(tables, ignore_index=True)


@styled
def draw(table: pd.DataFrame) -> Figure:
    """Draw the matrix of mean frequencies; pairs that never talk, and the diagonal, are white."""
    matrix = table.pivot_table(index="agent", columns="other", values="frequency", aggfunc="mean").to_numpy()
    figure = new_figure(SINGLE, 2.8)
    axes = figure.subplots()
    shown = np.ma.masked_where(~(matrix > 0), matrix)
    image = axes.imshow(shown, cmap=SHADES, vmin=0, vmax=1)
    if len(matrix) <= _MOST_NUMBERS:
        for (n, other), value in np.ndenumerate(matrix):
            if value > 0:
                ink = "white" if value > 0.5 else "black"
                axes.text(
                    other,
                    n,
                    f"{value:.2f}" if value >= 0.005 else "<.01",
                    ha="center",
                    va="center",
                    color=ink,
                    fontsize=7,
                )
        axes.set_xticks(range(len(matrix)))
        axes.set_yticks(range(len(matrix)))
    axes.set_xlabel("agent")
    axes.set_ylabel("agent")
    runs = table["seed"].nunique()
    figure.colorbar(image, label="fraction of steps linked" + (f", mean of {runs} runs" if runs > 1 else ""))
    return figure


def make(recordings: Sequence[Recording], stem: Path) -> None:
    """Draw the figure of runs of one scenario and save it under `stem`."""
    table = tabulate(recordings)
    save(draw(table), table, stem)


def figure5a(
    recordings: Recordings = None, run: Run = False, runs: Runs = RUNS, out: Out = OUT, force: Force = False
) -> int:
    """Draw the matrix of the fractions of time in which two agents can talk."""
    stem = free_stem(out, NAME, force)
    make(obtain(recordings, run, LEVEL, runs), stem)
    return 0


if __name__ == "__main__":
    command(figure5a)
